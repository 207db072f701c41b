"""The Vercel AI SDK from version 7 on, by ``@ai-sdk/otel``: OTel's names under a scope of its own.

An embedding is told twice, by what the application asked and by the request inside it, both as client spans. Only the
second knows usage. One that was refused shows nothing that tells the two apart: it counts as two failed calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "vercel_otel"
SCOPE = "gen_ai"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
NAMES = {**otel_genai.PREVIOUS, semconv.RESPONSE_TIME_TO_FIRST_CHUNK: (FIRST_CHUNK,)}
_TWICE = frozenset({"embeddings", "rerank"})


def recognises(span: Span) -> bool:
    return span.scope == SCOPE


def read(span: Span) -> Call | None:
    if not otel_genai.is_billed(span) or _is_asked_only(span):
        return None
    return fields.call_of(span, NAME, NAMES, fields.present(REQUEST_STREAM=FIRST_CHUNK in span.attributes or None))


def _is_asked_only(span: Span) -> bool:
    attributes = span.attributes
    twice = scalars.text(attributes.get(semconv.OPERATION_NAME)) in _TWICE and span.status != fields.STATUS_ERROR
    return twice and semconv.USAGE_INPUT_TOKENS not in attributes
