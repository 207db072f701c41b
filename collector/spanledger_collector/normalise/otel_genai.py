"""OpenTelemetry's GenAI conventions, newest names first, with the library's own spanledger.* attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "otel_genai"

# Operations a provider bills. Agents, workflows and tools are structure around them, never a second bill.
BILLED = frozenset(
    {
        "chat",
        "completion",
        "embeddings",
        "generate_content",
        "generate_image",
        "image_generation",
        "rerank",
        "responses",
        "speech",
        "text_completion",
        "transcription",
    }
)

CLIENTS = (3, 0)  # span kinds: client and unspecified; an INTERNAL one is a framework's view of somebody else's bill

# The names of earlier conventions, read where the newest is absent.
PREVIOUS = {
    semconv.PROVIDER_NAME: ("gen_ai.system",),
    semconv.USAGE_INPUT_TOKENS: ("gen_ai.usage.prompt_tokens",),
    semconv.USAGE_OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens",),
    semconv.USAGE_CACHE_READ: ("gen_ai.usage.cache_read_input_tokens",),
    semconv.USAGE_CACHE_WRITE: (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    semconv.USAGE_REASONING: ("gen_ai.usage.reasoning_tokens",),
    semconv.USAGE_INPUT_AUDIO: ("spanledger.usage.audio.input_tokens",),
    semconv.USAGE_OUTPUT_AUDIO: ("spanledger.usage.audio.output_tokens",),
    semconv.SERVICE_TIER: (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
    ),
    semconv.ENVIRONMENT: ("deployment.environment",),
    semconv.CODE_FILE: ("code.filepath",),
    semconv.CODE_LINE: ("code.lineno",),
    semconv.CODE_FUNCTION: ("code.function",),
}


def recognises(span: Span) -> bool:
    return semconv.OPERATION_NAME in span.attributes


def is_billed(span: Span) -> bool:
    """A client span of a billed operation, unless another span tells the same bill."""
    if semconv.COUNTED_BY in span.attributes:
        return False
    return span.kind in CLIENTS and scalars.text(span.attributes.get(semconv.OPERATION_NAME)).lower() in BILLED


def read(span: Span) -> Call | None:
    return fields.call_of(span, NAME, PREVIOUS) if is_billed(span) else None
