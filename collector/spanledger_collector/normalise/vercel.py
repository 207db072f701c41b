"""The Vercel AI SDK's ``ai.*``: one span for what the application asked, one inside it for each request to a model.

The inner ones (``do...``) are the calls. Cached tokens are inside the input; Anthropic's split by lifetime stands in
the provider's metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, provider_usage, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue, Call, Span

NAME = "vercel"
OPERATION = "ai.operationId"
OPERATIONS = {
    "doGenerate": "chat",
    "doStream": "chat",
    "doEmbed": "embeddings",
    "doRerank": "rerank",
    "doTranscribe": "transcription",
    "doGenerateImage": "generate_image",
}
PROVIDERS = {  # the SDK's ids, less the API behind the dot, where OTel has another name
    "amazon-bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
NAMES = {
    semconv.REQUEST_MODEL: ("ai.model.id",),
    semconv.RESPONSE_MODEL: ("ai.response.model",),
    semconv.RESPONSE_ID: ("ai.response.id",),
    semconv.RESPONSE_FINISH_REASONS: ("ai.response.finishReason",),
    semconv.USAGE_INPUT_TOKENS: ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
    semconv.USAGE_OUTPUT_TOKENS: ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    semconv.USAGE_CACHE_READ: ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
    semconv.USAGE_CACHE_WRITE: ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    semconv.USAGE_REASONING: ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    semconv.ENVIRONMENT: ("deployment.environment",),
}


def recognises(span: Span) -> bool:
    return OPERATION in span.attributes


def read(span: Span) -> Call | None:
    asked = scalars.text(span.attributes.get(OPERATION)).rpartition(".")[2]
    operation = OPERATIONS.get(asked)
    if not operation:
        return None
    call = fields.call_of(span, NAME, NAMES, _derived(span.attributes, operation))
    call.stream = asked == "doStream"
    return call


def _derived(attributes: Attributes, operation: str) -> Attributes:
    metadata = fields.document(attributes.get("ai.response.providerMetadata"))
    usage = provider_usage.canonical(fields.inner(metadata, "anthropic", "usage"))
    first_chunk = attributes.get("ai.response.msToFirstChunk")
    kept = (semconv.USAGE_CACHE_WRITE_5M, semconv.USAGE_CACHE_WRITE_1H, semconv.SERVICE_TIER)
    return {name: usage[name] for name in kept if name in usage} | fields.present(
        OPERATION_NAME=operation,
        PROVIDER_NAME=_provider(attributes.get("ai.model.provider")),
        RESPONSE_TIME_TO_FIRST_CHUNK=first_chunk / 1000 if isinstance(first_chunk, float) else None,
        SERVICE_TIER=fields.inner(metadata, "openai").get("serviceTier"),
        CONVERSATION_ID=attributes.get("ai.telemetry.metadata.sessionId"),
    )


def _provider(value: AttributeValue) -> str:
    """``openai.chat`` is OpenAI's, whatever the API."""
    named = scalars.text(value)
    if named.startswith(("google.vertex", "vertex")):
        return "gcp.vertex_ai"
    first = named.partition(".")[0]
    return PROVIDERS.get(first, first)
