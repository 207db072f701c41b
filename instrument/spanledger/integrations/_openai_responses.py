"""What OpenAI's Responses answer, plain and streamed, and what a compaction does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._openai_chat import detailed, identity
from ._shape import DONE, Done, nanoseconds

if TYPE_CHECKING:
    from ._shape import Attributes

USAGE: Final = (
    ("input_tokens", semconv.USAGE_INPUT_TOKENS),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS),
)
_LAST: Final = ("response.completed", "response.incomplete", "response.failed")


def read_usage(usage: Any) -> Attributes:
    if usage is None:
        return {}
    return detailed(usage, USAGE, usage.input_tokens_details, usage.output_tokens_details)


def read_response(reply: Any) -> Attributes:
    """One that works in the background is not done: it has no usage yet."""
    found = identity(reply)
    reason = reply.incomplete_details.reason if reply.incomplete_details else None
    found[semconv.RESPONSE_FINISH_REASONS] = [reason or reply.status or ""]
    found[semconv.OUTPUT_CHARS] = output_length(reply)
    likely = [token.logprob for part in _parts(reply) for token in getattr(part, "logprobs", None) or ()]
    if likely:
        found[semconv.OUTPUT_LOGPROB_MEAN] = sum(likely) / len(likely)
    if reply.status == "failed":
        found[semconv.ERROR_TYPE] = getattr(reply.error, "code", None) or "response_failed"
    if reply.usage is not None and getattr(reply, "background", None) is True:
        started = nanoseconds(reply.created_at)
        found[DONE] = Done(reply.id, started, nanoseconds(getattr(reply, "completed_at", None)) or started)
    return found | read_usage(reply.usage)


def read_retrieved(reply: Any) -> Attributes:
    """Of a response asked for again, or an event of its stream: work in the background, once it is done."""
    event = getattr(reply, "type", None)
    if event is not None:
        return read_response(reply.response) if event in _LAST else {}
    return read_response(reply) if reply.object == "response" else {}


def read_compaction(reply: Any) -> Attributes:
    return {**identity(reply), semconv.OUTPUT_CHARS: output_length(reply), **read_usage(reply.usage)}


def read_decision(reply: Any) -> Attributes:
    return identity(reply) | read_usage(reply.usage)


def output_length(reply: Any) -> int:
    return sum([item_length(item) for item in reply.output or ()])


def item_length(item: Any) -> int:
    parts = getattr(item, "content", None) or getattr(item, "summary", None)
    if isinstance(parts, (list, tuple)):
        return sum([len(getattr(part, "text", None) or "") for part in parts])
    return len(getattr(item, "arguments", None) or getattr(item, "input", None) or "")


def _parts(reply: Any) -> list[Any]:
    return [part for item in reply.output or () if item.type == "message" for part in item.content or ()]


def texts(reply: Any) -> list[str]:
    found: list[Any] = []
    for item in reply.output or ():
        parts = item.content if item.type == "message" else ()
        found += [getattr(item, "arguments", None), *(getattr(part, "text", None) for part in parts or ())]
    return [text for text in found if text]


class ResponseReader:
    """The last event carries the whole response; until then only characters are counted."""

    def __init__(self) -> None:
        self.complete = False
        self._response: Any = None
        self._chars = 0
        self._failure: Attributes = {}

    def feed(self, event: Any) -> None:
        kind = event.type
        if kind.endswith(".delta"):
            delta = event.delta
            if delta.__class__ is str:
                self._chars += len(delta)
        elif kind == "response.created" or kind in _LAST:
            self._response = event.response
            self.complete = kind != "response.created"
        elif kind == "error":
            self._failure[semconv.ERROR_TYPE] = event.code or "error"

    def result(self) -> Attributes:
        if self._response is None:
            return self._failure
        if self.complete:
            return read_response(self._response)
        return identity(self._response) | {semconv.OUTPUT_CHARS: self._chars} | self._failure

    def texts(self) -> list[str]:
        return texts(self._response) if self.complete else []
