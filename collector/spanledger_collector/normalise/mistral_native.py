"""The spans that the mistralai SDK (2.0 and later) emits by itself: OTel's names on INTERNAL spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "mistral_native"
SCOPE = "mistralai_sdk_tracer"
NAMES = otel_genai.PREVIOUS
STREAM = "#stream"  # the SDK's own mark, at the end of a URL


def recognises(span: Span) -> bool:
    return span.scope == SCOPE


def read(span: Span) -> Call | None:
    attributes = span.attributes
    if scalars.text(attributes.get(semconv.OPERATION_NAME)).lower() not in otel_genai.BILLED:
        return None
    streamed = scalars.text(attributes.get("http.url")).endswith(STREAM)
    address = scalars.text(attributes.get(semconv.SERVER_ADDRESS)).partition(":")[0]
    derived = fields.present(REQUEST_STREAM=streamed or None, SERVER_ADDRESS=address)
    return fields.call_of(span, NAME, NAMES, derived)
