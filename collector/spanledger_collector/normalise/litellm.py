"""litellm's own OpenTelemetry callback: one INTERNAL span a call, made afterwards from what litellm logged.

Cached tokens and reasoning stand only in the text of a Python dict. What its response cache answered nobody paid for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "litellm"
SCOPE = "litellm"
REQUEST = "litellm_request"
USAGE = "metadata.usage_object"
NAMES = {**otel_genai.PREVIOUS, semconv.CONVERSATION_ID: ("metadata.session_id",)}
COUNTS = {
    semconv.USAGE_CACHE_READ: "cached_tokens",
    semconv.USAGE_CACHE_WRITE: "cache_creation_tokens",
    semconv.USAGE_REASONING: "reasoning_tokens",
}
_COUNT = re.compile(r"'(\w{1,40})': (\d{1,11})\b")
OPERATIONS = {
    "completion": "chat",
    "acompletion": "chat",
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "aembedding": "embeddings",
    "responses": "chat",
    "aresponses": "chat",
}


def recognises(span: Span) -> bool:
    return span.scope == SCOPE


def read(span: Span) -> Call | None:
    attributes = span.attributes
    operation = scalars.text(attributes.get(semconv.OPERATION_NAME)).lower()
    operation = OPERATIONS.get(operation, operation)
    cached = attributes.get("litellm.cache_hit") in (True, "True")
    if cached or operation not in otel_genai.BILLED:
        return None
    call = fields.call_of(span, NAME, NAMES, {semconv.OPERATION_NAME: operation, **_derived(attributes)})
    if call.response_id == scalars.text(attributes.get("litellm.call_id")):
        call.response_id = ""  # litellm's own number, where the provider gave none
    return call


def _derived(attributes: Attributes) -> Attributes:
    told = dict(_COUNT.findall(scalars.text(attributes.get(USAGE))[: fields.LONGEST_JSON]))
    counted: Attributes = {name: told[key] for name, key in COUNTS.items() if key in told and name not in attributes}
    streamed = scalars.text(attributes.get("llm.is_streaming")).lower() == "true"
    return counted | fields.present(REQUEST_STREAM=streamed or None)
