"""What OpenAI's chat, text and embedding endpoints are asked and answer, at OpenAI's and at all that imitate it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

from ._shape import LONGEST_SAID, Attributes, Request, counts, given, read_arguments, text_length

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER: Final = (int, float)
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
_INPUT_DETAILS: Final = (
    ("cached_tokens", semconv.USAGE_CACHE_READ),
    ("cache_write_tokens", semconv.USAGE_CACHE_WRITE),
    ("audio_tokens", semconv.USAGE_INPUT_AUDIO),
)
_OUTPUT_DETAILS: Final = (
    ("reasoning_tokens", semconv.USAGE_REASONING),
    ("audio_tokens", semconv.USAGE_OUTPUT_AUDIO),
)
# Where imitators tell of cached tokens, beside the prompt: DeepSeek, then Moonshot.
_BESIDE: Final = (("prompt_cache_hit_tokens", semconv.USAGE_CACHE_READ), ("cached_tokens", semconv.USAGE_CACHE_READ))
STARTED: Final = "create_response"  # in the background: what it makes is billed when it is done
_THOUGHTS: Final = ("reasoning_content", "reasoning")  # names of what a model thought aloud, at imitators


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    attributes = read_arguments(kwargs, _ARGUMENTS)
    prompt = given(kwargs.get("messages") or kwargs.get("input") or kwargs.get("prompt"))
    system = given(kwargs.get("instructions")) or _system_messages(prompt)
    schema = kwargs.get("response_format") or kwargs.get("text_format")
    if isinstance(schema, type) or (isinstance(schema, dict) and schema.get("type") != "text"):
        attributes[semconv.OUTPUT_TYPE] = "json"
    if kwargs.get("background") is True:
        attributes[semconv.OPERATION_NAME] = STARTED
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


def identity(reply: Any) -> Attributes:
    found: Attributes = {}
    for name, key in (
        ("id", semconv.RESPONSE_ID),
        ("model", semconv.RESPONSE_MODEL),
        ("service_tier", semconv.SERVICE_TIER),
    ):
        value = getattr(reply, name, None)
        if value:
            found[key] = value
    return found


def read_embeddings(reply: Any) -> Attributes:
    return {semconv.RESPONSE_MODEL: reply.model, **counts(reply.usage, _CHAT_USAGE)}


def read_completion(reply: Any) -> Attributes:
    found = identity(reply)
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
    return found | chat_usage(reply.usage)


def read_text(reply: Any) -> Attributes:
    """Of the older completions, whose choices are bare texts."""
    found = identity(reply)
    found[semconv.OUTPUT_CHARS] = sum([len(choice.text or "") for choice in reply.choices or ()])
    told = [choice.logprobs.token_logprobs for choice in reply.choices or () if choice.logprobs]
    logprobs = [value for values in told for value in values or () if value is not None]
    if logprobs:
        found[semconv.OUTPUT_LOGPROB_MEAN] = sum(logprobs) / len(logprobs)
    found[semconv.RESPONSE_FINISH_REASONS] = [choice.finish_reason or "" for choice in reply.choices or ()]
    return found | chat_usage(reply.usage)


def texts(api: str, reply: Any) -> list[str]:
    """What the model wrote, and the arguments it calls tools with."""
    found: list[Any] = []
    if api == "chat":
        for choice in reply.choices or ():
            found += [choice.message.content, *(_arguments(call) for call in choice.message.tool_calls or ())]
    elif api == "completions":
        found += [choice.text for choice in reply.choices or ()]
    return [text for text in found if text]


def _logprobs(tokens: Any) -> list[float]:
    return [token.logprob for token in tokens or ()]


def _message_length(message: Any) -> int:
    length = len(message.content or "") + len(getattr(message, "refusal", None) or "")
    for name in _THOUGHTS:
        thought = getattr(message, name, None)
        if isinstance(thought, str):
            length += len(thought)
            break
    for call in message.tool_calls or ():
        length += arguments_length(call)
    return length


def arguments_length(call: Any) -> int:
    return len(_arguments(call))


def _arguments(call: Any) -> str:
    made = getattr(call, "function", None) or getattr(call, "custom", None)
    return getattr(made, "arguments", None) or getattr(made, "input", None) or ""


def chat_usage(usage: Any) -> Attributes:
    """Reasoning is inside the output, but at xAI: only its total tells. OpenRouter tells the dollars paid."""
    if usage is None:
        return {}
    inputs, outputs = getattr(usage, "prompt_tokens_details", None), getattr(usage, "completion_tokens_details", None)
    found = detailed(usage, _CHAT_USAGE, inputs, outputs)
    thought: Any = found.get(semconv.USAGE_REASONING)
    if thought and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens + thought:
        found[semconv.USAGE_OUTPUT_TOKENS] = usage.completion_tokens + thought
    extra = usage if isinstance(usage, dict) else getattr(usage, "__pydantic_extra__", None)
    return found | _beside(usage, extra) if extra else found


def _beside(usage: Any, extra: Mapping[str, Any]) -> Attributes:
    found = {} if getattr(usage.prompt_tokens_details, "cached_tokens", None) is not None else counts(usage, _BESIDE)
    paid = extra.get("cost")
    if isinstance(paid, dict):
        paid = paid.get("total_cost")  # Perplexity
    if isinstance(paid, (int, float)):
        found[semconv.REPORTED_COST] = f"{Decimal(str(paid)):f}"
    return found


def detailed(usage: Any, table: tuple[tuple[str, str], ...], inputs: Any, outputs: Any) -> Attributes:
    found = counts(usage, table)
    if inputs is not None:
        found |= counts(inputs, _INPUT_DETAILS)
    if outputs is not None:
        found |= counts(outputs, _OUTPUT_DETAILS)
    return found


class _ChunkReader:
    """Usage comes in a last chunk without choices, and only when the caller asked for it; at imitators in others."""

    def __init__(self) -> None:
        self.complete = False
        self._last: Any = None
        self._usage: Any = None
        self._chars = 0
        self._said: list[str] = []  # by the first choice
        self._logprobs: list[float] = []
        self._reasons: dict[int, str] = {}

    def result(self) -> Attributes:
        if self._last is None:
            return {}
        found = identity(self._last) | chat_usage(self._usage)
        found[semconv.OUTPUT_CHARS] = self._chars
        if self._reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = [self._reasons[index] for index in sorted(self._reasons)]
        if self._logprobs:
            found[semconv.OUTPUT_LOGPROB_MEAN] = sum(self._logprobs) / len(self._logprobs)
        return found

    def texts(self) -> list[str]:
        return ["".join(self._said)]


class ChatReader(_ChunkReader):
    def feed(self, chunk: Any) -> None:
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta is not None:
                if delta.content:
                    self._chars += len(delta.content)
                    if choice.index == 0 and self._chars < LONGEST_SAID:
                        self._said.append(delta.content)
                elif delta.tool_calls:
                    self._chars += sum([arguments_length(call) for call in delta.tool_calls])
                else:
                    self._chars += _thought(delta)
            if choice.logprobs:
                self._logprobs += _logprobs(choice.logprobs.content)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
                self.complete = True
        if chunk.usage:
            self._usage = chunk.usage
        self._last = chunk


def _thought(delta: Any) -> int:
    return next((len(text) for name in _THOUGHTS if (text := getattr(delta, name, None)).__class__ is str), 0)


class TextReader(_ChunkReader):
    """Of the older completions."""

    def feed(self, chunk: Any) -> None:
        for choice in chunk.choices or ():
            if choice.text:
                self._chars += len(choice.text)
                if choice.index == 0 and self._chars < LONGEST_SAID:
                    self._said.append(choice.text)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
                self.complete = True
        if chunk.usage:
            self._usage = chunk.usage
        self._last = chunk


def ask_usage(api: str, kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments that bring the usage of a stream whose caller did not ask for it; None when there is no need."""
    options = kwargs.get("stream_options")
    if api not in ("chat", "completions") or kwargs.get("stream") is not True:
        return None
    options = options if isinstance(options, dict) else {}
    return None if "include_usage" in options else {**kwargs, "stream_options": {**options, "include_usage": True}}


def only_usage(chunk: Any) -> bool:
    """Whether `chunk` is there only because usage was asked for; the others are left as they would have been."""
    if chunk.usage is None:
        chunk.model_fields_set.discard("usage")
        return False
    return not chunk.choices
