"""OpenInference's ``llm.*``, as Arize's instrumentors write it: every span INTERNAL, its kind in an attribute.

Its prompt tokens include cached ones, also Anthropic's. A chain's or an agent's span is structure. The reply's id
stands in the reply's text only, and the request's model in the invocation's parameters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "openinference"
KIND = "openinference.span.kind"
OPERATIONS = {"LLM": "chat", "EMBEDDING": "embeddings", "RERANKER": "rerank"}
NAMES = {
    semconv.PROVIDER_NAME: ("llm.provider", "llm.system"),
    semconv.REQUEST_MODEL: ("llm.request.model_name",),
    semconv.RESPONSE_MODEL: (
        "llm.response.model_name",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
    ),
    semconv.USAGE_INPUT_TOKENS: ("llm.token_count.prompt",),
    semconv.USAGE_OUTPUT_TOKENS: ("llm.token_count.completion",),
    semconv.USAGE_CACHE_READ: (
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
    ),
    semconv.USAGE_CACHE_WRITE: ("llm.token_count.prompt_details.cache_write",),
    semconv.USAGE_INPUT_AUDIO: ("llm.token_count.prompt_details.audio",),
    semconv.USAGE_OUTPUT_AUDIO: ("llm.token_count.completion_details.audio",),
    semconv.USAGE_REASONING: ("llm.token_count.completion_details.reasoning",),
    semconv.RESPONSE_FINISH_REASONS: ("llm.finish_reason",),
    semconv.CONVERSATION_ID: ("session.id",),
    semconv.ENVIRONMENT: ("deployment.environment",),
}
_PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")
_REPLY_ID = re.compile(r'\{\s*"id":\s*"([\w-]{1,128})"')


def recognises(span: Span) -> bool:
    return KIND in span.attributes


def read(span: Span) -> Call | None:
    operation = OPERATIONS.get(scalars.text(span.attributes.get(KIND)).upper())
    return fields.call_of(span, NAME, NAMES, _derived(span.attributes, operation)) if operation else None


def _derived(attributes: Attributes, operation: str) -> Attributes:
    asked: Attributes = {}
    for name in _PARAMETERS:
        asked |= fields.document(attributes.get(name))
    reply = _REPLY_ID.match(scalars.text(attributes.get("output.value")))
    return fields.present(
        OPERATION_NAME=operation,
        REQUEST_MODEL=asked.get("model") or asked.get("model_name"),
        REQUEST_STREAM=asked.get("stream") is True or None,
        RESPONSE_ID=reply[1] if reply else None,
        SERVICE_TIER=asked.get("service_tier"),
    )
