"""Langfuse's observations: generations and embeddings are calls, everything else is structure.

Usage is JSON in one attribute: as the provider told it, or in Langfuse's own names, where every count that begins with
``input`` or ``output`` is a part beside the others. No provider is named but by LangChain's callback and the openai
wrapper's own name.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, provider_usage, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue, Call, Span

NAME = "langfuse"
PREFIX = "langfuse.observation."
TYPE = PREFIX + "type"
OPERATIONS = {"generation": "chat", "embedding": "embeddings"}
NAMES = {
    semconv.RESPONSE_MODEL: (PREFIX + "model.name",),
    semconv.CONVERSATION_ID: ("session.id", "langfuse.session.id"),
    semconv.PROMPT_NAME: (PREFIX + "prompt.name",),
    semconv.PROMPT_VERSION: (PREFIX + "prompt.version",),
    semconv.ENVIRONMENT: ("langfuse.environment", "deployment.environment"),
}
LANGCHAIN = PREFIX + "metadata.ls_provider"
_WRAPPER = "OpenAI-"


def recognises(span: Span) -> bool:
    return TYPE in span.attributes


def read(span: Span) -> Call | None:
    operation = OPERATIONS.get(scalars.text(span.attributes.get(TYPE)).lower())
    if not operation:
        return None
    call = fields.call_of(span, NAME, NAMES, _derived(span, operation))
    call.emitter = f"{span.scope}/langchain" if LANGCHAIN in span.attributes else span.scope
    return call


def _derived(span: Span, operation: str) -> Attributes:
    attributes = span.attributes
    asked = fields.document(attributes.get(PREFIX + "model.parameters"))
    first_chunk = _seconds_after(span.start_ns, attributes.get(PREFIX + "completion_start_time"))
    found = fields.present(
        OPERATION_NAME=operation,
        REQUEST_MODEL=attributes.get(PREFIX + "model.name"),
        PROVIDER_NAME=_bare(attributes.get(LANGCHAIN)) or ("openai" if span.name.startswith(_WRAPPER) else None),
        RESPONSE_TIME_TO_FIRST_CHUNK=first_chunk,
        REQUEST_STREAM=True if first_chunk is not None else None,
        RESPONSE_FINISH_REASONS=_bare(attributes.get(PREFIX + "metadata.finish_reason")),
        SERVICE_TIER=asked.get("service_tier"),
    )
    return found | provider_usage.canonical(fields.document(attributes.get(PREFIX + "usage_details")))


def _bare(value: AttributeValue) -> str:
    """A text that was written as JSON."""
    return scalars.text(value).strip('"')


def _seconds_after(start_ns: int, moment: AttributeValue) -> float | None:
    try:
        at = datetime.fromisoformat(_bare(moment).replace("Z", "+00:00"))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max(0.0, at.timestamp() - start_ns / 1e9)
