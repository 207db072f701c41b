"""OpenLIT: OTel's names, with Anthropic's own way of counting: its input tokens leave cached ones out.

A call that Anthropic refused has no attributes at all; its operation and model are in the span's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, scalars, tokens

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "openlit"
SCOPE = "openlit."
EXCLUSIVE = frozenset({"anthropic"})
PROVIDERS = frozenset({"anthropic", "openai"})  # scopes named after a provider
FIRST_TOKEN = "gen_ai.server.time_to_first_token"  # noqa: S105 - a measure of time
NAMES = {**otel_genai.PREVIOUS, semconv.RESPONSE_TIME_TO_FIRST_CHUNK: (FIRST_TOKEN,)}


def recognises(span: Span) -> bool:
    return span.scope.startswith(SCOPE) or span.attributes.get("telemetry.sdk.name") == NAME


def read(span: Span) -> Call | None:
    derived = _from_name(span) if semconv.OPERATION_NAME not in span.attributes else _inclusive(span.attributes)
    operation = derived.get(semconv.OPERATION_NAME) or span.attributes.get(semconv.OPERATION_NAME)
    if span.kind not in otel_genai.CLIENTS or scalars.text(operation).lower() not in otel_genai.BILLED:
        return None
    if span.attributes.get(semconv.REQUEST_STREAM) is not True:
        derived[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = ""  # the whole reply's, when it was not streamed
    return fields.call_of(span, NAME, NAMES, derived)


def _from_name(span: Span) -> Attributes:
    operation, _, model = span.name.partition(" ")
    provider = span.scope.rpartition(".")[2]
    return fields.present(
        OPERATION_NAME=operation, REQUEST_MODEL=model, PROVIDER_NAME=provider if provider in PROVIDERS else None
    )


def _inclusive(attributes: Attributes) -> Attributes:
    provider = scalars.text(attributes.get(semconv.PROVIDER_NAME) or attributes.get("gen_ai.system"))
    return tokens.with_cached(attributes, NAMES) if provider in EXCLUSIVE else {}
