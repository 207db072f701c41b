"""mistralai >= 2: chat, FIM, agents, conversations, embeddings. The async twins are methods of the same classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import Attributes, Integration, Reader, Request, Target, Watch, counts, given, read_arguments, text_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HOOKS: Final = "mistralai.client._hooks.sdkhooks"
_ARGUMENTS: Final = (
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, (int, float)),
    ("top_p", semconv.REQUEST_TOP_P, (int, float)),
    ("n", semconv.REQUEST_CHOICE_COUNT, (int,)),
    ("random_seed", semconv.REQUEST_SEED, (int,)),
    ("reasoning_effort", semconv.REQUEST_REASONING_LEVEL, (str,)),
    ("conversation_id", semconv.CONVERSATION_ID, (str,)),
)
_USAGE: Final = (
    ("prompt_tokens", semconv.USAGE_INPUT_TOKENS),
    ("completion_tokens", semconv.USAGE_OUTPUT_TOKENS),
    ("num_cached_tokens", semconv.USAGE_CACHE_READ),
)


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    arguments = kwargs.get("completion_args")
    attributes = read_arguments(arguments if isinstance(arguments, dict) else {}, _ARGUMENTS)
    attributes |= read_arguments(kwargs, _ARGUMENTS) | _timeout(kwargs.get("timeout_ms"))
    prompt = given(kwargs.get("messages") or kwargs.get("inputs") or kwargs.get("prompt"))
    suffix, instructions = given(kwargs.get("suffix")), given(kwargs.get("instructions"))
    schema = kwargs.get("response_format")
    if schema:
        attributes[semconv.OUTPUT_TYPE] = "json"
    if prompt is not None and api != "embeddings":
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + text_length(suffix) + text_length(instructions)
    return Request(
        model=str(kwargs.get("model") or ""),
        stream=False,
        attributes=attributes,
        system=instructions or [m for m in prompt or () if isinstance(m, dict) and m.get("role") == "system"],
        tools=given(kwargs.get("tools")),
        prompt=[prompt, suffix] if suffix else prompt,
        schema=schema if isinstance(schema, type) else None,
    )


def _timeout(milliseconds: Any) -> Attributes:
    return {semconv.REQUEST_TIMEOUT: milliseconds / 1000} if isinstance(milliseconds, int) else {}


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "conversations":
        return _read_conversation(reply)
    found: Attributes = {semconv.RESPONSE_ID: reply.id, semconv.RESPONSE_MODEL: reply.model} | _usage(reply.usage)
    if api != "embeddings":
        choices = reply.choices or ()
        found[semconv.RESPONSE_FINISH_REASONS] = [str(each.finish_reason or "") for each in choices]
        found[semconv.OUTPUT_CHARS] = sum([_message_length(each.message) for each in choices])
    return found


def _message_length(message: Any) -> int:
    length = _text_length(message.content)
    for call in getattr(message, "tool_calls", None) or ():
        length += len(str(call.function.arguments or ""))
    return length


def _text_length(content: Any) -> int:
    """Of text, or of its chunks; `Unset` stands for none."""
    if isinstance(content, str):
        return len(content)
    return sum([len(getattr(each, "text", None) or "") for each in content]) if isinstance(content, list) else 0


def _usage(usage: Any) -> Attributes:
    """Cached tokens come in fields that the SDK does not declare; connectors' are input beside the prompt."""
    found = counts(usage, _USAGE)
    details = getattr(usage, "prompt_tokens_details", None)
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if isinstance(cached, int):
        found[semconv.USAGE_CACHE_READ] = cached
    connected = getattr(usage, "connector_tokens", None)
    if isinstance(connected, int):
        found[semconv.USAGE_INPUT_TOKENS] = connected + found.get(semconv.USAGE_INPUT_TOKENS, 0)  # type: ignore[operator]
    tier = getattr(usage, "service_tier", None)
    return found | ({semconv.SERVICE_TIER: tier} if isinstance(tier, str) else {})


def _read_conversation(reply: Any) -> Attributes:
    found: Attributes = {semconv.CONVERSATION_ID: reply.conversation_id} | _usage(reply.usage)
    outputs = reply.outputs or ()
    models = [model for model in (getattr(each, "model", None) for each in outputs) if isinstance(model, str)]
    if models:
        found[semconv.RESPONSE_MODEL] = models[-1]
    chars = 0
    for each in outputs:
        chars += _text_length(getattr(each, "content", None)) + len(str(getattr(each, "arguments", None) or ""))
    return found | {semconv.OUTPUT_CHARS: chars}


class _ChunkReader:
    """Usage comes unasked, on the last chunk."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._usage: Any = None
        self._chars = 0
        self._reasons: dict[int, str] = {}

    def feed(self, event: Any) -> None:
        self._last = chunk = event.data if hasattr(event, "data") else event
        for choice in chunk.choices or ():
            self._chars += _message_length(choice.delta)
            if choice.finish_reason:
                self._reasons[choice.index] = str(choice.finish_reason)
                self.complete = True
        self._usage = chunk.usage or self._usage

    def result(self) -> Attributes:
        if self._last is None:
            return {}
        found: Attributes = {
            semconv.RESPONSE_ID: self._last.id,
            semconv.RESPONSE_MODEL: self._last.model,
            semconv.OUTPUT_CHARS: self._chars,
        }
        if self._reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = [self._reasons[index] for index in sorted(self._reasons)]
        return found | _usage(self._usage)


class _ConversationReader:
    """Events name the conversation first and the usage last."""

    def __init__(self) -> None:
        self.complete = False
        self._found: Attributes = {}
        self._chars = 0

    def feed(self, event: Any) -> None:
        data = event.data
        if data.type == "conversation.response.started":
            self._found[semconv.CONVERSATION_ID] = data.conversation_id
        elif data.type == "conversation.response.done":
            self._found |= _usage(data.usage)
            self.complete = True
        elif data.type == "conversation.response.error":
            self._found[semconv.ERROR_TYPE] = str(getattr(data, "code", "") or "conversation_error")
        else:
            self._chars += _text_length(getattr(data, "content", None)) + len(getattr(data, "arguments", None) or "")
            model = getattr(data, "model", None)
            self._found |= {semconv.RESPONSE_MODEL: model} if isinstance(model, str) else {}

    def result(self) -> Attributes:
        return {**self._found, semconv.OUTPUT_CHARS: self._chars}


def reader(api: str) -> Reader:
    return _ConversationReader() if api == "conversations" else _ChunkReader()


def _pairs(module: str, path: str, api: str, *, streams: bool = False, **more: Any) -> Iterator[Target]:
    for twin, asynchronous in ((path, False), (f"{path}_async", True)):
        yield Target(f"mistralai.client.{module}", twin, api, asynchronous, streams=streams, **more)


INTEGRATION: Final = Integration(
    package="mistralai",
    provider="mistral_ai",
    targets=(
        *_pairs("chat", "Chat.parse", "chat", positional=("response_format",)),
        *_pairs("chat", "Chat.complete", "chat", inner=True),
        *_pairs("chat", "Chat.stream", "chat", streams=True),
        *_pairs("fim", "Fim.complete", "fim"),
        *_pairs("fim", "Fim.stream", "fim", streams=True),
        *_pairs("agents", "Agents.complete", "chat"),
        *_pairs("agents", "Agents.stream", "chat", streams=True),
        *[
            target
            for name in ("start", "append", "restart")
            for path, streams in ((name, False), (f"{name}_stream", True))
            for target in _pairs("conversations", f"Conversations.{path}", "conversations", streams=streams)
        ],
        *_pairs("embeddings", "Embeddings.create", "embeddings"),
    ),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    watches=(
        Watch(_HOOKS, "SDKHooks.before_request", asynchronous=False, means="sends"),
        Watch(_HOOKS, "SDKHooks.after_success", asynchronous=False, means="answers", argument=(1, "response")),
        Watch(_HOOKS, "SDKHooks.after_error", asynchronous=False, means="answers", argument=(1, "response")),
        Watch(
            "mistralai.client.utils.retries",
            "_get_sleep_interval",
            asynchronous=False,
            means="fails",
            argument=(0, "exception"),
        ),
    ),
    operations={"chat": "chat", "fim": "text_completion", "conversations": "chat", "embeddings": "embeddings"},
    client_of=lambda resource: resource,
    url_of=lambda resource: resource.sdk_configuration.get_server_details()[0],
    read_client=lambda resource: _timeout(resource.sdk_configuration.timeout_ms),
    response_of=lambda error: getattr(error, "raw_response", None) or getattr(error, "response", None),
    iterator="generator",
)
