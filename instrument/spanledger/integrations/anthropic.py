"""anthropic >= 0.100: messages and beta messages; older completions. create, parse and stream each send their own."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import (
    DONE,
    LONGEST_SAID,
    Attributes,
    Done,
    Integration,
    Reader,
    Request,
    Target,
    counts,
    given,
    managed,
    nanoseconds,
    pair,
    read_arguments,
    results,
    stainless,
    text_length,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULE: Final = "anthropic.resources.messages.messages"
_BETA_MODULE: Final = "anthropic.resources.beta.messages.messages"
_MANAGERS: Final = (
    "anthropic.lib.streaming._messages:MessageStreamManager",
    "anthropic.lib.streaming._messages:AsyncMessageStreamManager",
)
_BETA_MANAGERS: Final = (
    "anthropic.lib.streaming._beta_messages:BetaMessageStreamManager",
    "anthropic.lib.streaming._beta_messages:BetaAsyncMessageStreamManager",
)
_ARGUMENTS: Final = (
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("max_tokens_to_sample", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, (int, float)),
    ("top_p", semconv.REQUEST_TOP_P, (int, float)),
)
_USAGE: Final = (
    ("input_tokens", semconv.USAGE_INPUT_TOKENS),
    ("cache_read_input_tokens", semconv.USAGE_CACHE_READ),
    ("cache_creation_input_tokens", semconv.USAGE_CACHE_WRITE),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS),
)
_CACHE_WRITE: Final = (
    ("ephemeral_5m_input_tokens", semconv.USAGE_CACHE_WRITE_5M),
    ("ephemeral_1h_input_tokens", semconv.USAGE_CACHE_WRITE_1H),
)
_MOST_ENDED: Final = 1000
_ended: dict[str, int] = {}  # batch -> UTC nanoseconds of its end, as the provider told
_OUTPUT_DETAILS: Final = (("thinking_tokens", semconv.USAGE_REASONING),)


def read_request(_api: str, kwargs: Mapping[str, Any]) -> Request:
    attributes = read_arguments(kwargs, _ARGUMENTS)
    prompt = given(kwargs.get("messages") or kwargs.get("prompt"))
    system = given(kwargs.get("system"))
    schema = kwargs.get("output_format")
    config = kwargs.get("output_config")
    if isinstance(config, dict):
        if isinstance(config.get("effort"), str):
            attributes[semconv.REQUEST_REASONING_LEVEL] = config["effort"]
        if config.get("format"):
            attributes[semconv.OUTPUT_TYPE] = "json"
    if isinstance(schema, (type, dict)):
        attributes[semconv.OUTPUT_TYPE] = "json"
    if prompt is not None:
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + text_length(system)
    return Request(
        model=str(kwargs.get("model", "")),
        stream=kwargs.get("stream") is True,
        attributes=attributes,
        system=system,
        tools=given(kwargs.get("tools")),
        prompt=prompt,
        schema=schema if isinstance(schema, type) else None,
        schema_json=schema if isinstance(schema, dict) else given(config),
    )


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "batch":  # handed in: each of its results is billed, and told apart from this call
        return {semconv.RESPONSE_ID: reply.id}
    if api == "completions":
        return {**_named(reply), semconv.OUTPUT_CHARS: len(reply.completion or "")}
    found = _named(reply)
    found[semconv.OUTPUT_CHARS] = sum([_block_length(block) for block in reply.content or ()])
    return found | _usage(reply.usage)


def _named(reply: Any) -> Attributes:
    found: Attributes = {semconv.RESPONSE_ID: reply.id, semconv.RESPONSE_MODEL: reply.model}
    return found | ({semconv.RESPONSE_FINISH_REASONS: [reply.stop_reason]} if reply.stop_reason else {})


def read_result(api: str, reply: Any, given: Mapping[str, Any]) -> Attributes:
    """Of a batch when it ended, which its results do not say; of each result that succeeded its bill."""
    if api == "batch_state":
        _remember_end(reply)
        return {}
    if reply.result is None or reply.result.type != "succeeded":
        return {}
    message = reply.result.message
    ended = _ended.get(str(given.get("message_batch_id"))) or time_ns()
    return {**read_reply("messages", message), semconv.SERVICE_TIER: "batch", DONE: Done(message.id, ended, ended)}


def _remember_end(batch: Any) -> None:
    ended = nanoseconds(batch.ended_at)
    if ended:
        _ended[batch.id] = ended
        if len(_ended) > _MOST_ENDED:
            _ended.pop(next(iter(_ended)), None)


def texts(api: str, reply: Any) -> list[str]:
    return (
        []
        if api != "messages"
        else [block.text for block in reply.content or () if block.type == "text" and block.text]
    )


def _block_length(block: Any) -> int:
    if block.type == "text":
        return len(block.text or "")
    if block.type == "thinking":
        return len(block.thinking or "")
    made = getattr(block, "input", None)
    return len(str(made)) if made else 0


def _usage(usage: Any) -> Attributes:
    """Compactions, which the beta API bills on top and counts apart, are added to their parts."""
    found = _counted(usage)
    for entry in getattr(usage, "iterations", None) or ():
        if getattr(entry, "type", None) == "compaction":
            for key, tokens in _counted(entry).items():
                found[key] = found.get(key, 0) + tokens  # type: ignore[operator]
    searched = getattr(getattr(usage, "server_tool_use", None), "web_search_requests", None)
    if searched:
        found[semconv.BILLED_PREFIX + "web_searches"] = searched
    tier = getattr(usage, "service_tier", None)
    if tier:
        found[semconv.SERVICE_TIER] = tier
    return found


def _counted(usage: Any) -> Attributes:
    """`input_tokens` leaves cached tokens out on this API; on the span it includes them."""
    found = counts(usage, _USAGE)
    if semconv.USAGE_INPUT_TOKENS in found:
        cached = (found.get(semconv.USAGE_CACHE_READ, 0), found.get(semconv.USAGE_CACHE_WRITE, 0))
        found[semconv.USAGE_INPUT_TOKENS] += sum(cached)  # type: ignore[operator, arg-type]
    for name, table in (("cache_creation", _CACHE_WRITE), ("output_tokens_details", _OUTPUT_DETAILS)):
        part = getattr(usage, name, None)
        if part is not None:
            found |= counts(part, table)
    return found


class _MessageReader:
    """The input side comes with `message_start`; `message_delta` repeats totals, so the last one counts."""

    def __init__(self) -> None:
        self.complete = False
        self._message: Any = None
        self._delta: Any = None
        self._chars = 0
        self._said: list[str] = []

    def feed(self, event: Any) -> None:
        kind = event.type
        if kind == "content_block_delta":
            delta = event.delta
            if delta.type == "text_delta":
                self._chars += len(delta.text)
                if self._chars < LONGEST_SAID:
                    self._said.append(delta.text)
            elif delta.type == "input_json_delta":
                self._chars += len(delta.partial_json)
            elif delta.type == "thinking_delta":
                self._chars += len(delta.thinking)
        elif kind == "message_start":
            self._message = event.message
        elif kind == "message_delta":
            self._delta = event
        elif kind == "message_stop":
            self.complete = True

    def result(self) -> Attributes:
        if self._message is None:
            return {}
        found: Attributes = {
            semconv.RESPONSE_ID: self._message.id,
            semconv.RESPONSE_MODEL: self._message.model,
            semconv.OUTPUT_CHARS: self._chars,
        }
        found |= _usage(self._message.usage)
        return found if self._delta is None else found | self._last_words()

    def texts(self) -> list[str]:
        return ["".join(self._said)]

    def _last_words(self) -> Attributes:
        words: Attributes = {}
        if self._delta.delta.stop_reason:
            words[semconv.RESPONSE_FINISH_REASONS] = [self._delta.delta.stop_reason]
        return words | _usage(_Later(self._delta.usage, self._message.usage))


class _Later:
    """Usage as of the last event, falling back on the first one's for what the last leaves out."""

    def __init__(self, last: Any, first: Any) -> None:
        self._last = last
        self._first = first

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._last, name, None)
        return getattr(self._first, name, None) if value is None else value


class _CompletionReader:
    """Of the older completions, which count no tokens."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._chars = 0

    def feed(self, event: Any) -> None:
        if event.type == "completion":
            self._last = event
            self._chars += len(event.completion or "")
            self.complete = bool(event.stop_reason)

    def result(self) -> Attributes:
        return {} if self._last is None else {**_named(self._last), semconv.OUTPUT_CHARS: self._chars}


def _copied() -> Iterator[Target]:
    """The beta messages of two clouds' clients are classes of their own, with the functions of the first one's."""
    for cloud in ("bedrock", "vertex"):
        module = f"anthropic.lib.{cloud}._beta_messages"
        yield from pair(module, "Messages.create", "messages", required=False)
        yield from pair(module, "Messages.parse", "messages", required=False)
        for twin in ("Messages.stream", "AsyncMessages.stream"):
            yield Target(module, twin, "messages", asynchronous=False, kind="manager", required=False)


def reader(api: str) -> Reader:
    return _CompletionReader() if api == "completions" else _MessageReader()


INTEGRATION: Final = Integration(
    package="anthropic",
    provider="anthropic",
    targets=(
        *pair(_MODULE, "Messages.create", "messages"),
        *pair(_MODULE, "Messages.parse", "messages"),
        *managed(_MODULE, "Messages.stream", _MANAGERS, "messages"),
        *pair(_BETA_MODULE, "Messages.create", "messages"),
        *pair(_BETA_MODULE, "Messages.parse", "messages"),
        *managed(_BETA_MODULE, "Messages.stream", _BETA_MANAGERS, "messages"),
        *pair("anthropic.resources.messages.batches", "Batches.create", "batch"),
        *pair("anthropic.resources.beta.messages.batches", "Batches.create", "batch"),
        *_copied(),
        *results("anthropic.resources.messages.batches", "Batches.retrieve", "batch_state"),
        *results("anthropic.resources.messages.batches", "Batches.results", "batch_results", "message_batch_id"),
        *results("anthropic.resources.beta.messages.batches", "Batches.retrieve", "batch_state"),
        *results("anthropic.resources.beta.messages.batches", "Batches.results", "batch_results", "message_batch_id"),
        *pair("anthropic.resources.completions", "Completions.create", "completions", required=False),
    ),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    read_result=read_result,
    texts=texts,
    watches=stainless("anthropic"),
    operations={"messages": "chat", "chat": "chat", "batch": "create_batch", "completions": "text_completion"},
    clients={
        "AnthropicBedrock": "aws.bedrock",
        "AnthropicBedrockMantle": "aws.bedrock",
        "AnthropicVertex": "gcp.vertex_ai",
        "AnthropicGoogleCloud": "gcp.vertex_ai",
        "AnthropicFoundry": "azure.ai.inference",
    },
)
