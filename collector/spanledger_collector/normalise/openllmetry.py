"""OpenLLMetry (traceloop): OTel's names, older ones and its own beside them.

Its workflows, tasks, agents and tools are structure, marked by ``traceloop.span.kind``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger import semconv
from spanledger_collector.normalise import fields, otel_genai, scalars

if TYPE_CHECKING:
    from spanledger_collector.model import Call, Span

NAME = "openllmetry"
STRUCTURE = "traceloop.span.kind"
SCOPES = frozenset(
    "opentelemetry.instrumentation." + name
    for name in (
        "alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_generativeai", "groq", "haystack",
        "langchain", "llamaindex", "mistralai", "ollama", "openai", "openai.v0", "openai.v1", "openai_agents",
        "replicate", "sagemaker", "together", "transformers", "vertexai", "voyageai", "watsonx", "writer",
    )
)  # fmt: skip
NAMES = {
    **otel_genai.PREVIOUS,
    semconv.REQUEST_STREAM: ("gen_ai.is_streaming", "llm.is_streaming"),
    semconv.REQUEST_MODEL: ("llm.request.model",),
    semconv.RESPONSE_MODEL: ("llm.response.model",),
    semconv.USAGE_INPUT_TOKENS: ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    semconv.USAGE_OUTPUT_TOKENS: ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    semconv.RESPONSE_FINISH_REASONS: ("gen_ai.response.finish_reason", "gen_ai.completion.0.finish_reason"),
}
REQUESTS = {  # llm.request.type, which stood for the operation in earlier versions
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
}


def recognises(span: Span) -> bool:
    return span.scope in SCOPES or "traceloop.span.kind" in span.attributes or "llm.request.type" in span.attributes


def read(span: Span) -> Call | None:
    attributes = span.attributes
    operation = scalars.text(attributes.get(semconv.OPERATION_NAME)).lower()
    operation = operation or REQUESTS.get(scalars.text(attributes.get("llm.request.type")).lower(), "")
    if STRUCTURE in attributes or operation not in otel_genai.BILLED or span.kind not in otel_genai.CLIENTS:
        return None
    return fields.call_of(span, NAME, NAMES, {semconv.OPERATION_NAME: operation})
