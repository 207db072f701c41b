"""Gemini CLI's events: a response with its usage, or an error. The GenAI events and the span beside them say it again.

Thoughts are beside the output, cached tokens and what tools added to the prompt as Gemini's API counts them: the first
inside the prompt, the second beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, moments, provider_usage, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue, Call, Span

NAME = "gemini_cli"
PREFIX = "gemini_cli."
RESPONSE, ERROR = "api_response", "api_error"
NAMES = {
    semconv.REQUEST_MODEL: ("model",),
    semconv.USAGE_CACHE_READ: ("cached_content_token_count",),
    semconv.USAGE_REASONING: ("thoughts_token_count",),
    semconv.HTTP_STATUS: ("status_code", "http.status_code"),
    semconv.RESPONSE_FINISH_REASONS: ("finish_reasons",),
    semconv.ERROR_TYPE: ("error_type",),
    semconv.CONVERSATION_ID: ("session.id",),
    semconv.ENVIRONMENT: ("deployment.environment",),
}
VERTEX = frozenset({"vertex-ai", "compute-default-credentials"})


def recognises(span: Span) -> bool:
    return span.name.startswith(PREFIX)


def read(span: Span) -> Call | None:
    told = span.name.removeprefix(PREFIX)
    if told not in (RESPONSE, ERROR):
        return None
    attributes = span.attributes
    derived = _derived(attributes)
    if told == ERROR and not attributes.get("error_type"):
        derived[semconv.ERROR_TYPE] = scalars.text(attributes.get("status_code")) or ERROR
    return moments.ended(fields.call_of(span, NAME, NAMES, derived), attributes)


def _derived(attributes: Attributes) -> Attributes:
    vertex = scalars.text(attributes.get("auth_type")) in VERTEX
    return fields.present(
        OPERATION_NAME="generate_content",
        PROVIDER_NAME="gcp.vertex_ai" if vertex else "gcp.gemini",
        USAGE_INPUT_TOKENS=_together(attributes, "input_token_count", "tool_token_count"),
        USAGE_OUTPUT_TOKENS=_together(attributes, "output_token_count", "thoughts_token_count"),
    )


def _together(attributes: Attributes, *names: str) -> AttributeValue:
    if attributes.get(names[0]) is None:
        return None
    return provider_usage.total(attributes.get(name) for name in names)
