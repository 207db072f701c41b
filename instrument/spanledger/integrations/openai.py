"""openai >= 2: chat completions, responses, embeddings. `stream()` goes through `create()`, `parse()` does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import (
    LONGEST_SAID,
    Attributes,
    Integration,
    Reader,
    Request,
    counts,
    given,
    pair,
    read_arguments,
    stainless,
    text_length,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER: Final = (int, float)
_CHAT_MODULE: Final = "openai.resources.chat.completions.completions"
_RESPONSES_MODULE: Final = "openai.resources.responses.responses"
_BETA_RESPONSES_MODULE: Final = "openai.resources.beta.responses.responses"
_ARGUMENTS: Final = (
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("max_completion_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("max_output_tokens", semconv.REQUEST_MAX_TOKENS, (int,)),
    ("temperature", semconv.REQUEST_TEMPERATURE, _NUMBER),
    ("top_p", semconv.REQUEST_TOP_P, _NUMBER),
    ("n", semconv.REQUEST_CHOICE_COUNT, (int,)),
    ("seed", semconv.REQUEST_SEED, (int,)),
    ("reasoning_effort", semconv.REQUEST_REASONING_LEVEL, (str,)),
    ("conversation", semconv.CONVERSATION_ID, (str,)),
)
_CHAT_USAGE: Final = (
    ("prompt_tokens", semconv.USAGE_INPUT_TOKENS),
    ("completion_tokens", semconv.USAGE_OUTPUT_TOKENS),
)
_RESPONSES_USAGE: Final = (
    ("input_tokens", semconv.USAGE_INPUT_TOKENS),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS),
)
_INPUT_DETAILS: Final = (
    ("cached_tokens", semconv.USAGE_CACHE_READ),
    ("cache_write_tokens", semconv.USAGE_CACHE_WRITE),
    ("audio_tokens", semconv.USAGE_INPUT_AUDIO),
)
_OUTPUT_DETAILS: Final = (
    ("reasoning_tokens", semconv.USAGE_REASONING),
    ("audio_tokens", semconv.USAGE_OUTPUT_AUDIO),
)


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    attributes = read_arguments(kwargs, _ARGUMENTS)
    prompt = given(kwargs.get("messages") or kwargs.get("input"))
    system = given(kwargs.get("instructions")) or _system_messages(prompt)
    schema = kwargs.get("response_format") or kwargs.get("text_format")
    if isinstance(schema, (type, dict)):
        attributes[semconv.OUTPUT_TYPE] = "json"
    _read_nested(kwargs, attributes)
    if prompt is not None and api != "embeddings":
        attributes[semconv.INPUT_CHARS] = text_length(prompt) + text_length(given(kwargs.get("instructions")))
    return Request(
        model=str(kwargs.get("model", "")),
        stream=kwargs.get("stream") is True,
        attributes=attributes,
        system=system,
        tools=given(kwargs.get("tools")),
        prompt=prompt,
        schema=schema if isinstance(schema, type) else None,
        schema_json=schema if isinstance(schema, dict) else None,
    )


def _system_messages(prompt: Any) -> list[Any]:
    if not isinstance(prompt, (list, tuple)):
        return []
    return [m for m in prompt if isinstance(m, dict) and m.get("role") in ("system", "developer")]


def _read_nested(kwargs: Mapping[str, Any], attributes: Attributes) -> None:
    for name, inner, key in (
        ("reasoning", "effort", semconv.REQUEST_REASONING_LEVEL),
        ("conversation", "id", semconv.CONVERSATION_ID),
    ):
        if name in kwargs and isinstance(kwargs[name], dict) and isinstance(kwargs[name].get(inner), str):
            attributes[key] = kwargs[name][inner]


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "embeddings":
        return {semconv.RESPONSE_MODEL: reply.model, **counts(reply.usage, _CHAT_USAGE)}
    return _read_response(reply) if api == "responses" else _read_completion(reply)


def _identity(reply: Any) -> Attributes:
    found: Attributes = {semconv.RESPONSE_ID: reply.id, semconv.RESPONSE_MODEL: reply.model}
    tier = getattr(reply, "service_tier", None)
    if tier:
        found[semconv.SERVICE_TIER] = tier
    return found


def _read_completion(reply: Any) -> Attributes:
    found = _identity(reply)
    chars, reasons = 0, []
    logprobs: list[float] = []
    for choice in reply.choices or ():
        chars += _message_length(choice.message)
        reasons.append(choice.finish_reason or "")
        if choice.logprobs:
            logprobs += _logprobs(choice.logprobs.content)
    if logprobs:
        found[semconv.OUTPUT_LOGPROB_MEAN] = sum(logprobs) / len(logprobs)
    found[semconv.RESPONSE_FINISH_REASONS] = reasons
    found[semconv.OUTPUT_CHARS] = chars
    return found | _chat_usage(reply.usage)


def _logprobs(tokens: Any) -> list[float]:
    return [token.logprob for token in tokens or ()]


def texts(api: str, reply: Any) -> list[str]:
    """What the model wrote, and the arguments it calls tools with."""
    found: list[Any] = []
    if api == "chat":
        for choice in reply.choices or ():
            found += [choice.message.content, *(_arguments(call) for call in choice.message.tool_calls or ())]
    elif api == "responses":
        for item in reply.output or ():
            parts = item.content if item.type == "message" else ()
            found += [getattr(item, "arguments", None), *(getattr(part, "text", None) for part in parts or ())]
    return [text for text in found if text]


def _message_length(message: Any) -> int:
    length = len(message.content or "") + len(message.refusal or "")
    for call in message.tool_calls or ():
        length += _arguments_length(call)
    return length


def _arguments_length(call: Any) -> int:
    return len(_arguments(call))


def _arguments(call: Any) -> str:
    made = getattr(call, "function", None) or getattr(call, "custom", None)
    return getattr(made, "arguments", None) or getattr(made, "input", None) or ""


def _chat_usage(usage: Any) -> Attributes:
    if usage is None:
        return {}
    return _usage(usage, _CHAT_USAGE, usage.prompt_tokens_details, usage.completion_tokens_details)


def _usage(usage: Any, table: tuple[tuple[str, str], ...], inputs: Any, outputs: Any) -> Attributes:
    found = counts(usage, table)
    if inputs is not None:
        found |= counts(inputs, _INPUT_DETAILS)
    if outputs is not None:
        found |= counts(outputs, _OUTPUT_DETAILS)
    return found


def _read_response(reply: Any) -> Attributes:
    found = _identity(reply)
    reason = reply.incomplete_details.reason if reply.incomplete_details else None
    found[semconv.RESPONSE_FINISH_REASONS] = [reason or reply.status or ""]
    found[semconv.OUTPUT_CHARS] = sum([_item_length(item) for item in reply.output or ()])
    if reply.status == "failed":
        found[semconv.ERROR_TYPE] = getattr(reply.error, "code", None) or "response_failed"
    usage = reply.usage
    if usage is not None:
        found |= _usage(usage, _RESPONSES_USAGE, usage.input_tokens_details, usage.output_tokens_details)
    return found


def _item_length(item: Any) -> int:
    parts = getattr(item, "content", None) or getattr(item, "summary", None)
    if isinstance(parts, (list, tuple)):
        return sum([len(getattr(part, "text", None) or "") for part in parts])
    return len(getattr(item, "arguments", None) or getattr(item, "input", None) or "")


class _ChatReader:
    """Usage comes in a last chunk without choices, and only when the caller asked for it."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._usage: Any = None
        self._chars = 0
        self._said: list[str] = []  # by the first choice
        self._logprobs: list[float] = []
        self._reasons: dict[int, str] = {}

    def feed(self, chunk: Any) -> None:
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta is not None:
                if delta.content:
                    self._chars += len(delta.content)
                    if choice.index == 0 and self._chars < LONGEST_SAID:
                        self._said.append(delta.content)
                if delta.tool_calls:
                    self._chars += sum([_arguments_length(call) for call in delta.tool_calls])
            if choice.logprobs:
                self._logprobs += _logprobs(choice.logprobs.content)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
                self.complete = True
        if chunk.usage:
            self._usage = chunk.usage
        self._last = chunk

    def result(self) -> Attributes:
        if self._last is None:
            return {}
        found = _identity(self._last) | _chat_usage(self._usage)
        found[semconv.OUTPUT_CHARS] = self._chars
        if self._reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = [self._reasons[index] for index in sorted(self._reasons)]
        if self._logprobs:
            found[semconv.OUTPUT_LOGPROB_MEAN] = sum(self._logprobs) / len(self._logprobs)
        return found

    def texts(self) -> list[str]:
        return ["".join(self._said)]


class _ResponseReader:
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
        elif kind in ("response.created", "response.completed", "response.incomplete", "response.failed"):
            self._response = event.response
            self.complete = kind != "response.created"
        elif kind == "error":
            self._failure[semconv.ERROR_TYPE] = event.code or "error"

    def result(self) -> Attributes:
        if self._response is None:
            return self._failure
        if self.complete:
            return _read_response(self._response)
        return _identity(self._response) | {semconv.OUTPUT_CHARS: self._chars} | self._failure

    def texts(self) -> list[str]:
        return texts("responses", self._response) if self.complete else []


def reader(api: str) -> Reader:
    return _ResponseReader() if api == "responses" else _ChatReader()


INTEGRATION: Final = Integration(
    package="openai",
    provider="openai",
    targets=(
        *pair(_CHAT_MODULE, "Completions.create", "chat"),
        *pair(_CHAT_MODULE, "Completions.parse", "chat"),
        *pair(_RESPONSES_MODULE, "Responses.create", "responses"),
        *pair(_RESPONSES_MODULE, "Responses.parse", "responses"),
        *pair(_BETA_RESPONSES_MODULE, "Responses.create", "responses"),
        *pair("openai.resources.embeddings", "Embeddings.create", "embeddings"),
    ),
    read_request=read_request,
    read_reply=read_reply,
    reader=reader,
    texts=texts,
    watches=stainless("openai"),
    operations={"chat": "chat", "responses": "chat", "embeddings": "embeddings"},
    hosts={
        ".openai.azure.com": "azure.ai.openai",
        ".amazonaws.com": "aws.bedrock",
        "api.deepseek.com": "deepseek",
        "api.groq.com": "groq",
        "api.mistral.ai": "mistral_ai",
        "api.perplexity.ai": "perplexity",
        "api.x.ai": "x_ai",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "openrouter.ai": "openrouter",
    },
    clients={"AzureOpenAI": "azure.ai.openai", "BedrockOpenAI": "aws.bedrock"},
)
