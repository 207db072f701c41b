"""The spans that the anthropic SDK (2.0 and later) emits by itself, read from its ``_tracing.py``.

Its ``gen_ai.usage.input_tokens`` is already the sum with cache reads and writes. A stream that ends before its
``message_delta`` carries no output tokens. Compactions are billed on top, their cached share unknown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.model import Usage
from spanledger_collector.normalise import fields, otel_genai, tokens

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, Call, Span

NAME = "anthropic_native"
SCOPE = "com.anthropic.sdk.python"
STATUS_UNSET = 0

OWN_NAMES = {
    **otel_genai.PREVIOUS,
    semconv.SERVICE_TIER: ("anthropic.response.service_tier",),
    semconv.USAGE_CACHE_WRITE_5M: ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
    semconv.USAGE_CACHE_WRITE_1H: ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    semconv.RESPONSE_FINISH_REASONS: ("anthropic.message.stop_reason",),
}
COMPACTION_INPUT = "anthropic.usage.compaction.input_tokens"
COMPACTION_OUTPUT = "anthropic.usage.compaction.output_tokens"
COMPACTION_NOTE = "compaction tokens are counted as uncached input: the span does not say how many were cached"


def recognises(span: Span) -> bool:
    return span.scope == SCOPE


def read(span: Span) -> Call | None:
    """Messages carry an operation name; count_tokens, which is free, carries none."""
    if not otel_genai.is_billed(span):
        return None
    call = fields.call_of(span, NAME, OWN_NAMES)
    if call.outcome == "ok" and span.status == STATUS_UNSET and not call.finish_reason:
        call.outcome = "abandoned"  # the SDK leaves the status unset when the application stopped reading
    _add_compaction(call, span.attributes)
    return call


def _add_compaction(call: Call, attributes: Attributes) -> None:
    faults: list[str] = []
    extra_input = tokens.count(attributes.get(COMPACTION_INPUT), COMPACTION_INPUT, faults) or 0
    extra_output = tokens.count(attributes.get(COMPACTION_OUTPUT), COMPACTION_OUTPUT, faults) or 0
    if faults:
        call.usage_note = "; ".join(filter(None, [call.usage_note, *faults]))
    elif extra_input or extra_output:
        usage = call.usage or Usage(grade="partial")
        grade = usage.grade if call.usage_note or usage.grade == "partial" else "modelled"
        call.usage = replace(
            usage,
            uncached_input=usage.uncached_input + extra_input,
            output=usage.output + extra_output,
            grade=grade,
        )
        call.usage_note = call.usage_note or COMPACTION_NOTE
