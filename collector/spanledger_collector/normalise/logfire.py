"""Logfire's instrumentation of the SDKs: OTel's names, the provider's whole usage in JSON beside them.

A stream is told twice: by the span of the request, which ends before the first chunk and knows no usage, and by a
record of no length when it was read, with the usage and how long that took. The second is the call. A stream that
nobody reads has only the first, and cannot be told from the others: it is in the ledger when it failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, provider_usage, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "logfire"
SCOPES = ("logfire.openai", "logfire.anthropic")
NAMES = otel_genai.PREVIOUS
USAGE = "gen_ai.usage.raw"
LONGEST_S = 86_400.0


def recognises(span: Span) -> bool:
    return span.scope.startswith(SCOPES)


def read(span: Span) -> Call | None:
    attributes = span.attributes
    told = attributes.get("logfire.span_type") == "log"
    if scalars.text(attributes.get(semconv.OPERATION_NAME)).lower() not in otel_genai.BILLED:
        return None
    if not told and span.status != fields.STATUS_ERROR and not _answered(attributes):
        return None
    call = fields.call_of(span, NAME, NAMES, _derived(attributes))
    if told:
        call.stream = True
        call.duration_ns = _nanoseconds(attributes)
        call.start_ns -= call.duration_ns
    return call


def _answered(attributes: Attributes) -> bool:
    return any(name in attributes for name in (semconv.RESPONSE_ID, semconv.USAGE_INPUT_TOKENS, USAGE))


def _derived(attributes: Attributes) -> Attributes:
    asked = fields.document(attributes.get("request_data"))
    found = provider_usage.canonical(fields.document(attributes.get(USAGE)))
    counted = {name: value for name, value in found.items() if name not in attributes}
    return counted | fields.present(REQUEST_STREAM=asked.get("stream") is True or None)


def _nanoseconds(attributes: Attributes) -> int:
    seconds = attributes.get("duration")
    return int(seconds * 1e9) if isinstance(seconds, float) and 0 <= seconds <= LONGEST_S else 0
