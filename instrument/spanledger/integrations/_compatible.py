"""Who answers at an address, for clients that speak OpenAI's language to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv

if TYPE_CHECKING:
    from ._shape import Attributes


# A host stands for itself and what is below it. Names as in OpenTelemetry's conventions, where these have one.
HOSTS: Final = {
    "openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "amazonaws.com": "aws.bedrock",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.anthropic.com": "anthropic",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepinfra.com": "deepinfra",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.hyperbolic.xyz": "hyperbolic",
    "api.minimax.io": "minimax",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.novita.ai": "novita",
    "api.perplexity.ai": "perplexity",
    "api.sambanova.ai": "sambanova",
    "api.studio.nebius.com": "nebius",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "api.x.ai": "x_ai",
    "api.z.ai": "zai",
    "ai-gateway.vercel.sh": "vercel",
    "cloud.databricks.com": "databricks",
    "dashscope.aliyuncs.com": "alibaba",
    "dashscope-intl.aliyuncs.com": "alibaba",
    "integrate.api.nvidia.com": "nvidia",
    "models.github.ai": "github",
    "ollama.com": "ollama",
    "openrouter.ai": "openrouter",
    "router.huggingface.co": "huggingface",
}
OLLAMA_PORT: Final = 11434
_LOCAL: Final = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal")  # noqa: S104 - compared only
_CLOUDS: Final = ("Azure", "Bedrock")  # in the names of the clients that say themselves whose they are


def read_client(client: Any) -> Attributes:
    """The provider. Behind an address that nobody is known by, it is what the SDK is named after, and said so."""
    url = client._base_url  # noqa: SLF001
    provider = _at(url.host, url.port)
    if provider:
        return {semconv.PROVIDER_NAME: provider}
    named = any(cloud in type(client).__name__ for cloud in _CLOUDS)
    return {} if named else {semconv.PROVIDER_ASSUMED: True}


def _at(host: str, port: int | None) -> str:
    if port == OLLAMA_PORT and host in _LOCAL:
        return "ollama"
    while host:
        if host in HOSTS:
            return HOSTS[host]
        host = host.partition(".")[2]
    return ""
