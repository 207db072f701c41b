"""Reading litellm's requests, replies and pieces: one shape, OpenAI's, whoever answered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from spanledger import semconv

from . import anthropic, openai
from ._litellm_streams import SseReader
from ._shape import LONGEST_SAID, Attributes, Fields, Reader, Request, counts

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS: Final = {
    "completion": "chat",
    "embedding": "embeddings",
    "image_generation": "image_generation",
    "messages": "chat",
    "rerank": "rerank",
    "responses": "chat",
    "speech": "speech",
    "text_completion": "text_completion",
    "transcription": "transcription",
}
_PROVIDERS: Final = {
    "anthropic_text": "anthropic",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_text": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "ollama_chat": "ollama",
    "text-completion-openai": "openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_USAGE: Final = (
    ("prompt_tokens", semconv.USAGE_INPUT_TOKENS),
    ("completion_tokens", semconv.USAGE_OUTPUT_TOKENS),
    ("input_tokens", semconv.USAGE_INPUT_TOKENS),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS),
)
_INPUT_DETAILS: Final = (
    ("cached_tokens", semconv.USAGE_CACHE_READ),
    ("cache_creation_tokens", semconv.USAGE_CACHE_WRITE),
    ("audio_tokens", semconv.USAGE_INPUT_AUDIO),
)
_CACHE_WRITE: Final = (
    ("ephemeral_5m_input_tokens", semconv.USAGE_CACHE_WRITE_5M),
    ("ephemeral_1h_input_tokens", semconv.USAGE_CACHE_WRITE_1H),
)
_OUTPUT_DETAILS: Final = (
    ("reasoning_tokens", semconv.USAGE_REASONING),
    ("audio_tokens", semconv.USAGE_OUTPUT_AUDIO),
)


def route(model: str, kwargs: Mapping[str, Any]) -> tuple[str, str]:
    """Provider and bare model, as litellm routes: what the caller says, the model's prefix, litellm's table."""
    module = sys.modules.get("litellm")
    prefix, slash, rest = model.partition("/")
    known = getattr(module, "provider_list", ())
    named = kwargs.get("custom_llm_provider")
    if slash and (prefix in known or prefix == named):
        model, named = rest, named or prefix
    if not named:
        named = getattr(module, "model_cost", {}).get(model, {}).get("litellm_provider", "")
    return _PROVIDERS.get(named, named), model


def read_request(api: str, kwargs: Mapping[str, Any]) -> Request:
    if api == "messages":
        request = anthropic.INTEGRATION.read_request(api, kwargs)
    else:
        request = openai.INTEGRATION.read_request("chat", kwargs)
    request.schema = None  # litellm passes it on, and leaves the reply to the application to validate
    provider, request.model = route(request.model, kwargs)
    if provider:
        request.attributes[semconv.PROVIDER_NAME] = provider
    if kwargs.get("text_completion") is True:  # made through completion()
        request.attributes[semconv.OPERATION_NAME] = "text_completion"
    base = kwargs.get("api_base") or kwargs.get("base_url")
    if isinstance(base, str) and (parts := urlsplit(base)).hostname:
        request.attributes[semconv.SERVER_ADDRESS] = parts.hostname
        request.attributes[semconv.SERVER_PORT] = parts.port or (80 if parts.scheme == "http" else 443)
    return request


def read_reply(api: str, reply: Any) -> Attributes:
    if api == "messages":
        return anthropic.INTEGRATION.read_reply(api, fields_of(reply))
    found: Attributes = {}
    for name, key in (("id", semconv.RESPONSE_ID), ("model", semconv.RESPONSE_MODEL)):
        if isinstance(value := getattr(reply, name, None), str):
            found[key] = value
    if api == "responses":
        found |= _said(reply)
    elif choices := getattr(reply, "choices", None):
        found[semconv.RESPONSE_FINISH_REASONS] = [choice.finish_reason or "" for choice in choices]
        found[semconv.OUTPUT_CHARS] = sum([_length(choice) for choice in choices])
    if tier := getattr(reply, "service_tier", None):
        found[semconv.SERVICE_TIER] = tier
    if api == "rerank":
        return found | _units(reply)
    return found | read_usage(getattr(reply, "usage", None))


def _said(reply: Any) -> Attributes:
    return {
        semconv.RESPONSE_FINISH_REASONS: [getattr(reply, "status", None) or ""],
        semconv.OUTPUT_CHARS: sum([_item_length(item) for item in reply.output or ()]),
    }


def _item_length(item: Any) -> int:
    parts = getattr(item, "content", None) or getattr(item, "summary", None)
    if isinstance(parts, (list, tuple)):
        return sum([len(getattr(part, "text", None) or "") for part in parts])
    return len(getattr(item, "arguments", None) or "")


def _arguments_length(calls: Any) -> int:
    return sum([len(getattr(getattr(call, "function", None), "arguments", None) or "") for call in calls])


def _length(choice: Any) -> int:
    message = getattr(choice, "message", None)
    if message is None:
        return len(getattr(choice, "text", None) or "")
    calls = getattr(message, "tool_calls", None) or ()
    return len(message.content or "") + _arguments_length(calls)


def read_usage(usage: Any) -> Attributes:
    """One shape whoever answered; the input includes what a cache gave. All zero is unknown."""
    if usage is None or not any(getattr(usage, name, None) for name, _ in _USAGE):
        return {}
    found = counts(usage, _USAGE)
    inputs = getattr(usage, "prompt_tokens_details", None) or getattr(usage, "input_tokens_details", None)
    outputs = getattr(usage, "completion_tokens_details", None) or getattr(usage, "output_tokens_details", None)
    return (
        found
        | counts(inputs, _INPUT_DETAILS)
        | counts(getattr(inputs, "cache_creation_token_details", None), _CACHE_WRITE)
        | counts(outputs, _OUTPUT_DETAILS)
    )


def _units(reply: Any) -> Attributes:
    units = ((getattr(reply, "meta", None) or {}).get("billed_units") or {}).get("search_units")
    return {semconv.BILLED_PREFIX + "search_units": int(units)} if isinstance(units, (int, float)) else {}


def fields_of(reply: Any) -> Any:
    """A reply that is a dict, read like a model."""
    if isinstance(reply, dict):
        return Fields({key: fields_of(value) for key, value in reply.items()})
    return [fields_of(item) for item in reply] if isinstance(reply, list) else reply


def texts(api: str, reply: Any) -> list[str]:
    """What the application may validate."""
    if api == "messages":
        return anthropic.INTEGRATION.texts(api, fields_of(reply)) if isinstance(reply, dict) else []
    found: list[Any] = []
    for choice in getattr(reply, "choices", None) or ():
        message = getattr(choice, "message", None)
        calls = getattr(message, "tool_calls", None) or ()
        found += [getattr(message, "content", None), *(getattr(call.function, "arguments", None) for call in calls)]
    return [text for text in found if text]


class _ChatReader:
    """Pieces as the application gets them. Usage is what the provider sent: litellm keeps it with its own pieces.

    On a piece handed on it may be litellm's own estimate.
    """

    def __init__(self) -> None:
        self.complete = False
        self.kept: list[Any] = []
        self._last: Any = None
        self._chars = 0
        self._said: list[str] = []  # by the first choice
        self._reasons: dict[int, str] = {}

    def feed(self, piece: Any) -> None:
        for choice in piece.choices or ():
            said = getattr(choice.delta, "content", None) or ""
            self._chars += len(said)
            if said and choice.index == 0 and self._chars < LONGEST_SAID:
                self._said.append(said)
            calls = getattr(choice.delta, "tool_calls", None) or ()
            self._chars += _arguments_length(calls)
            if choice.finish_reason:
                self._reasons[choice.index] = choice.finish_reason
                self.complete = True
        self._last = piece

    def result(self) -> Attributes:
        if self._last is None:
            return {}
        found: Attributes = {semconv.RESPONSE_ID: self._last.id, semconv.OUTPUT_CHARS: self._chars}
        if isinstance(self._last.model, str):
            found[semconv.RESPONSE_MODEL] = self._last.model
        if self._reasons:
            found[semconv.RESPONSE_FINISH_REASONS] = [self._reasons[index] for index in sorted(self._reasons)]
        for piece in self.kept:
            found |= read_usage(getattr(piece, "usage", None))
        return found

    def texts(self) -> list[str]:
        return ["".join(self._said)]


class _ResponseReader:
    """The last event carries the whole response."""

    def __init__(self) -> None:
        self.complete = False
        self._response: Any = None
        self._chars = 0

    def feed(self, event: Any) -> None:
        kind = str(getattr(event.type, "value", event.type))
        if kind.endswith("_text.delta"):
            self._chars += len(event.delta)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._response, self.complete = event.response, True

    def result(self) -> Attributes:
        return read_reply("responses", self._response) if self.complete else {semconv.OUTPUT_CHARS: self._chars}


def reader(api: str) -> Reader:
    if api == "messages":
        return SseReader(anthropic.INTEGRATION.reader(api))
    return _ResponseReader() if api == "responses" else _ChatReader()
