"""Claude Code's events: one for each request to the API, after it ended, and one for each that failed.

https://code.claude.com/docs/en/monitoring-usage. Its input tokens leave out cached ones. Its money is its own estimate
from a list it ships, and not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, moments, scalars, tokens

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "claude_code"
SCOPE = "com.anthropic.claude_code.events"
PREFIX = "claude_code."
REQUEST, ERROR = "api_request", "api_error"
NAMES = {
    semconv.REQUEST_MODEL: ("model",),
    semconv.USAGE_OUTPUT_TOKENS: ("output_tokens",),
    semconv.USAGE_CACHE_READ: ("cache_read_tokens",),
    semconv.USAGE_CACHE_WRITE: ("cache_creation_tokens",),
    semconv.USAGE_INPUT_TOKENS: ("input_tokens",),
    semconv.HTTP_STATUS: ("status_code",),
    semconv.ATTEMPTS: ("attempt",),
    semconv.CONVERSATION_ID: ("session.id",),
    semconv.ENVIRONMENT: ("deployment.environment",),
}
FIXED = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "anthropic"}


def recognises(span: Span) -> bool:
    return span.scope == SCOPE or span.name.startswith(PREFIX)


def read(span: Span) -> Call | None:
    told = span.name.removeprefix(PREFIX)
    if told == REQUEST:
        derived = {**FIXED, **tokens.with_cached(span.attributes, NAMES)}
    elif told == ERROR:
        derived = {**FIXED, **fields.present(ERROR_TYPE=scalars.text(span.attributes.get("status_code")) or ERROR)}
    else:
        return None
    return moments.ended(fields.call_of(span, NAME, NAMES, derived), span.attributes)
