"""Codex CLI's events: the end of a reply's stream, which has its usage, and requests that failed.

A ``response.completed`` is told of twice, as any event of the stream and as the reply: the second has counts. OpenAI's
counts include their details. No event says which provider was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, moments, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "codex"
PREFIX = "codex."
COMPLETED, REQUEST = "codex.sse_event", "codex.api_request"
INPUT = "input_token_count"
FAILED = 400
NAMES = {
    semconv.REQUEST_MODEL: ("model", "slug"),
    semconv.USAGE_INPUT_TOKENS: (INPUT,),
    semconv.USAGE_OUTPUT_TOKENS: ("output_token_count",),
    semconv.USAGE_CACHE_READ: ("cached_token_count",),
    semconv.USAGE_CACHE_WRITE: ("cache_write_token_count",),
    semconv.USAGE_REASONING: ("reasoning_token_count",),
    semconv.CONVERSATION_ID: ("conversation.id",),
    semconv.SERVICE_VERSION: ("app.version",),
    semconv.ENVIRONMENT: ("env", "deployment.environment"),
}
FIXED: Attributes = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "openai", semconv.REQUEST_STREAM: True}


def recognises(span: Span) -> bool:
    return moments.name_of(span).startswith(PREFIX)


def read(span: Span) -> Call | None:
    attributes, name = span.attributes, moments.name_of(span)
    if name == COMPLETED and INPUT in attributes:
        return fields.call_of(span, NAME, NAMES, FIXED)
    if name == REQUEST and (failure := _failure(attributes)):
        derived = {**FIXED, semconv.ERROR_TYPE: failure}
        return moments.ended(fields.call_of(span, NAME, NAMES, derived), attributes)
    return None


def _failure(attributes: Attributes) -> str:
    status = scalars.within(attributes.get(semconv.HTTP_STATUS), fields.UINT16)
    if status >= FAILED:
        return str(status)
    return "no_response" if not status and attributes.get("error.message") else ""
