"""ollama >= 0.5: chat, generate, both embeds. A streamed reply is a generator that sends when it is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import Answer, Attributes, Integration, Reader, Request, Target, Watch, counts, given, text_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULE: Final = "ollama._client"
_OPTIONS: Final = (
    ("num_predict", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, (int, float)),
    ("top_p", semconv.REQUEST_TOP_P, (int, float)),
    ("seed", semconv.REQUEST_SEED, (int,)),
)
_USAGE: Final = (
    ("prompt_eval_count", semconv.USAGE_INPUT_TOKENS),
    ("eval_count", semconv.USAGE_OUTPUT_TOKENS),
)
# Arguments that may be given by place, by method.
_PLACES: Final = {
    "chat": ("model", "messages"),
    "generate": ("model", "prompt", "suffix"),
    "embed": ("model", "input", "truncate", "options", "keep_alive"),
    "embeddings": ("model", "prompt", "options", "keep_alive"),
}


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    options = kwargs.get("options")
    attributes: Attributes = {}
    for name, key, kinds in _OPTIONS:
        value = options.get(name) if isinstance(options, dict) else getattr(options, name, None)
        if isinstance(value, kinds):
            attributes[key] = value
    prompt = given(kwargs.get("messages") or kwargs.get("prompt") or kwargs.get("input"))
    system = given(kwargs.get("system"))
    if kwargs.get("format"):
        attributes[semconv.OUTPUT_TYPE] = "json"
    if isinstance(kwargs.get("think"), str):
        attributes[semconv.REQUEST_REASONING_LEVEL] = kwargs["think"]
    if prompt is not None and api in ("chat", "generate"):
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + text_length(system)
    return Request(
        model=str(kwargs.get("model") or ""),
        stream=bool(kwargs.get("stream")),
        attributes=attributes,
        system=system,
        tools=given(kwargs.get("tools")),
        prompt=prompt,
    )


def read_reply(_api: str, reply: Any) -> Attributes:
    found = counts(reply, _USAGE)
    model, reason = getattr(reply, "model", None), getattr(reply, "done_reason", None)
    if model:
        found[semconv.RESPONSE_MODEL] = model
    if reason:
        found[semconv.RESPONSE_FINISH_REASONS] = [reason]
    length = _length(reply)
    return found | ({} if length is None else {semconv.OUTPUT_CHARS: length})


def _length(reply: Any) -> int | None:
    """Characters of a reply or a piece of one; None when it is not text."""
    message = getattr(reply, "message", None)
    if message is None:
        text = getattr(reply, "response", None)
        return None if text is None else len(text) + len(getattr(reply, "thinking", None) or "")
    length = len(message.content or "") + len(getattr(message, "thinking", None) or "")
    for call in message.tool_calls or ():
        length += len(str(call.function.arguments or ""))
    return length


class _PartReader:
    """The part that is `done` counts the tokens."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._chars = 0

    def feed(self, part: Any) -> None:
        self._last = part
        self._chars += _length(part) or 0
        self.complete = bool(part.done)

    def result(self) -> Attributes:
        return {} if self._last is None else read_reply("", self._last) | {semconv.OUTPUT_CHARS: self._chars}


def reader(_api: str) -> Reader:
    return _PartReader()


def _response_of(error: BaseException) -> Answer | None:
    status = getattr(error, "status_code", None)
    return Answer(status, {}) if isinstance(status, int) and status > 0 else None


def _targets() -> Iterator[Target]:
    """The module's functions are methods bound when it is imported: of interest only if that was before us."""
    for api, places in _PLACES.items():
        for name, asynchronous in (("Client", False), ("AsyncClient", True)):
            yield Target(_MODULE, f"{name}.{api}", api, asynchronous, kind="lazy", positional=places)
        yield Target("ollama", api, api, asynchronous=False, kind="lazy", required=False, positional=places)


INTEGRATION: Final = Integration(
    package="ollama",
    provider="ollama",
    targets=tuple(_targets()),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    watches=(
        Watch(_MODULE, "Client._request_raw", asynchronous=False, means="attempt"),
        Watch(_MODULE, "AsyncClient._request_raw", asynchronous=True, means="attempt"),
    ),
    operations={"chat": "chat", "generate": "text_completion", "embed": "embeddings", "embeddings": "embeddings"},
    url_of=lambda client: client.base_url,
    client_of=lambda resource: resource._client,  # noqa: SLF001
    response_of=_response_of,
)
