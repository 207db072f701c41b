"""pydantic-ai's requests to models; its agents and tools are structure around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "pydantic_ai"
SCOPE = "pydantic-ai"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
DETAILS = "gen_ai.usage.details."
NAMES = {
    **otel_genai.PREVIOUS,
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: (FIRST_CHUNK,),
    semconv.USAGE_REASONING: (DETAILS + "reasoning_tokens", DETAILS + "thinking_tokens", DETAILS + "thoughts_tokens"),
    semconv.USAGE_CACHE_WRITE_5M: (DETAILS + "ephemeral_5m_input_tokens",),
    semconv.USAGE_CACHE_WRITE_1H: (DETAILS + "ephemeral_1h_input_tokens",),
    semconv.USAGE_INPUT_AUDIO: (DETAILS + "input_audio_tokens",),
    semconv.USAGE_OUTPUT_AUDIO: (DETAILS + "output_audio_tokens",),
}


def recognises(span: Span) -> bool:
    return span.scope == SCOPE


def read(span: Span) -> Call | None:
    if not otel_genai.is_billed(span):
        return None
    streamed = FIRST_CHUNK in span.attributes
    return fields.call_of(span, NAME, NAMES, fields.present(REQUEST_STREAM=streamed or None))
