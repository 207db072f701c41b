"""cohere >= 5.20: both versions of its API, what returns at once in the raw clients, what streams in the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._managers import managing
from ._shape import Attributes, Integration, Reader, Request, Target, Watch, given, read_arguments, text_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HTTP: Final = "cohere.core.http_client"
_ARGUMENTS: Final = (
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, (int, float)),
    ("p", semconv.REQUEST_TOP_P, (int, float)),
    ("num_generations", semconv.REQUEST_CHOICE_COUNT, (int,)),
    ("seed", semconv.REQUEST_SEED, (int,)),
    ("conversation_id", semconv.CONVERSATION_ID, (str,)),
)
_TOKENS: Final = (("input_tokens", semconv.USAGE_INPUT_TOKENS), ("output_tokens", semconv.USAGE_OUTPUT_TOKENS))
_BILLED: Final = ("input_tokens", "output_tokens", "search_units", "classifications")


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    attributes = read_arguments(kwargs, _ARGUMENTS)
    names = ("messages", "message", "prompt", "texts", "inputs")
    prompt = given(next((kwargs[name] for name in names if given(kwargs.get(name))), None))
    history, system = given(kwargs.get("chat_history")), given(kwargs.get("preamble"))
    options = kwargs.get("request_options") or {}
    if isinstance(kwargs.get("response_format"), dict):
        attributes[semconv.OUTPUT_TYPE] = "json"
    if isinstance(options.get("timeout_in_seconds"), (int, float)):
        attributes[semconv.REQUEST_TIMEOUT] = float(options["timeout_in_seconds"])
    if isinstance(options.get("max_retries"), int):
        attributes[semconv.REQUEST_MAX_RETRIES] = options["max_retries"]
    if prompt is not None and api != "embed":
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + _history_length(history) + text_length(system)
    return Request(
        model=str(kwargs.get("model") or "") if isinstance(kwargs.get("model"), str) else "",
        stream=False,
        attributes=attributes,
        system=system,
        tools=given(kwargs.get("tools")),
        prompt=[history, prompt] if history else prompt,
    )


def _history_length(history: Any) -> int:
    said = [each.get("message") if isinstance(each, dict) else getattr(each, "message", None) for each in history or ()]
    return sum([len(each) for each in said if isinstance(each, str)])


def read_reply(_api: str, reply: Any) -> Attributes:
    if type(reply).__name__.endswith("HttpResponse"):
        reply = reply.data
    found: Attributes = {}
    identity = getattr(reply, "id", None) or getattr(reply, "generation_id", None)
    if identity:
        found[semconv.RESPONSE_ID] = identity
    generations = getattr(reply, "generations", None) or (reply,)
    reasons = [str(each.finish_reason) for each in generations if getattr(each, "finish_reason", None)]
    if reasons:
        found[semconv.RESPONSE_FINISH_REASONS] = reasons
        found[semconv.OUTPUT_CHARS] = sum([_length(each) for each in generations])
    return found | _usage(getattr(reply, "usage", None) or getattr(reply, "meta", None))


def _length(reply: Any) -> int:
    """Of version 1, which has a text, or of version 2, which has a message of parts."""
    message = getattr(reply, "message", None)
    if message is None:
        return len(getattr(reply, "text", None) or "")
    length = sum([len(getattr(part, "text", None) or "") for part in message.content or ()])
    for call in getattr(message, "tool_calls", None) or ():
        length += len(getattr(call.function, "arguments", None) or "")
    return length


def _usage(usage: Any) -> Attributes:
    """What was counted, and what is billed where that is another number. Counts are floats in this SDK."""
    counted, billed = getattr(usage, "tokens", None), getattr(usage, "billed_units", None)
    found: Attributes = {}
    for name, key in _TOKENS:
        value = getattr(counted, name, None)
        value = getattr(billed, name, None) if value is None else value
        if isinstance(value, (int, float)):
            found[key] = int(value)
    cached = getattr(usage, "cached_tokens", None)
    if isinstance(cached, (int, float)):
        found[semconv.USAGE_CACHE_READ] = int(cached)
    for name in _BILLED:
        value = getattr(billed, name, None)
        if isinstance(value, (int, float)) and value != found.get(dict(_TOKENS).get(name, "")):
            found[semconv.BILLED_PREFIX + name] = int(value)
    return found


class _EventReader:
    """Named events: `type` of version 2, `event_type` of version 1. The last one tells the usage."""

    def __init__(self) -> None:
        self.complete = False
        self._found: Attributes = {}
        self._chars = 0

    def feed(self, event: Any) -> None:
        kind = getattr(event, "type", None) or getattr(event, "event_type", None)
        if kind == "message-start":
            self._found[semconv.RESPONSE_ID] = event.id or ""
        elif kind in ("content-delta", "tool-call-delta"):
            self._chars += _delta_length(event.delta.message)
        elif kind == "text-generation":
            self._chars += len(event.text or "")
        elif kind == "message-end":
            self._ended(event.delta.finish_reason, _usage(event.delta.usage))
        elif kind == "stream-end":
            self._ended(event.finish_reason, read_reply("", event.response))

    def _ended(self, reason: Any, told: Attributes) -> None:
        self.complete = True
        self._found |= told
        if reason:
            self._found[semconv.RESPONSE_FINISH_REASONS] = [str(reason)]
        if str(reason).startswith("ERROR"):  # how it says in a stream that generation failed
            self._found[semconv.ERROR_TYPE] = str(reason)

    def result(self) -> Attributes:
        return {**self._found, semconv.OUTPUT_CHARS: self._chars}


def _delta_length(message: Any) -> int:
    call = getattr(getattr(message, "tool_calls", None), "function", None)
    text = getattr(getattr(message, "content", None), "text", None)
    return len(text or "") + len(getattr(call, "arguments", None) or "")


def reader(_api: str) -> Reader:
    return _EventReader()


def _wrapper(resource: Any) -> Any:
    return getattr(resource, "_client_wrapper", None) or resource._raw_client._client_wrapper  # noqa: SLF001


def _read_client(wrapper: Any) -> Attributes:
    retries = getattr(wrapper.httpx_client, "base_max_retries", 2)  # 2: what older versions have built in
    found: Attributes = {semconv.REQUEST_MAX_RETRIES: retries}
    timeout = wrapper.get_timeout()
    return found | ({semconv.REQUEST_TIMEOUT: float(timeout)} if isinstance(timeout, (int, float)) else {})


def _targets() -> Iterator[Target]:
    for module, cls, apis in (
        ("cohere.raw_base_client", "RawBaseCohere", ("chat", "generate", "embed", "rerank")),
        ("cohere.v2.raw_client", "RawV2Client", ("chat", "embed", "rerank")),
    ):
        for api in apis:
            yield Target(module, f"{cls}.{api}", api, asynchronous=False)
            yield Target(module, f"Async{cls}.{api}", api, asynchronous=True)
    for module, cls, api in (
        ("cohere.base_client", "BaseCohere", "chat"),
        ("cohere.base_client", "BaseCohere", "generate"),
        ("cohere.v2.client", "V2Client", "chat"),
    ):
        for twin in (cls, f"Async{cls}"):
            yield Target(module, f"{twin}.{api}_stream", api, asynchronous=False, kind="lazy", streams=True)


def _managers() -> Iterator[Target]:
    """`with_raw_response.chat_stream`, which the streaming methods above go through, too."""
    for module, cls, api in (
        ("cohere.raw_base_client", "RawBaseCohere", "chat"),
        ("cohere.raw_base_client", "RawBaseCohere", "generate"),
        ("cohere.v2.raw_client", "RawV2Client", "chat"),
    ):
        for twin in (cls, f"Async{cls}"):
            yield Target(module, f"{twin}.{api}_stream", api, asynchronous=False, inner=True, streams=True)


INTEGRATION: Final = Integration(
    package="cohere",
    provider="cohere",
    targets=tuple(_targets()),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    watches=(
        Watch(_HTTP, "HttpClient.request", asynchronous=False, means="sends"),
        Watch(_HTTP, "AsyncHttpClient.request", asynchronous=True, means="sends"),
        Watch(_HTTP, "_should_retry", asynchronous=False, means="answers"),
        Watch(_HTTP, "_retry_timeout", asynchronous=False, means="fails"),
        Watch(_HTTP, "_retry_timeout_from_retries", asynchronous=False, means="fails", required=False),
    ),
    operations={"chat": "chat", "generate": "text_completion", "embed": "embeddings", "rerank": "rerank"},
    client_of=_wrapper,
    url_of=lambda wrapper: wrapper.get_base_url(),
    read_client=_read_client,
    response_of=lambda error: error if isinstance(getattr(error, "headers", None), dict) else None,
)
MANAGERS: Final = tuple(_managers())
PATCHES: Final = tuple(managing(INTEGRATION, target, "_data") for target in MANAGERS)
