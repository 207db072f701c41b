"""Who is recorded: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Emitter:
    """A program of ``programs/`` and the packages it runs with. ``noted`` are those whose versions a fixture names."""

    name: str
    program: str
    packages: tuple[str, ...]
    environment: str = ""  # shared with other rows of this name; alone where empty
    prerelease: bool = False
    npm: bool = False


_SDKS: Final = ("openai", "anthropic")
EMITTERS: Final[tuple[Emitter, ...]] = (
    Emitter(
        "otel_genai",
        "otel_genai.py",
        ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic", *_SDKS),
        prerelease=True,
    ),
    Emitter(
        "openinference",
        "openinference_sdks.py",
        (
            "openinference-instrumentation-openai",
            "openinference-instrumentation-anthropic",
            "openinference-instrumentation-langchain",
            "langchain-openai",
            *_SDKS,
        ),
    ),
    Emitter(
        "openllmetry",
        "openllmetry_sdks.py",
        (
            "opentelemetry-instrumentation-openai",
            "opentelemetry-instrumentation-anthropic",
            "opentelemetry-instrumentation-langchain",
            "langchain-openai",
            *_SDKS,
        ),
    ),
    Emitter("openlit", "openlit_sdks.py", ("openlit>=1.45", "openai", "anthropic")),
    Emitter("langfuse", "langfuse_sdks.py", ("langfuse", "openai", "langchain-openai")),
    Emitter("logfire", "logfire_sdks.py", ("logfire", *_SDKS)),
    Emitter(
        "pydantic_ai",
        "pydantic_ai_agents.py",
        ("pydantic-ai-slim[openai,anthropic]", "opentelemetry-instrumentation-genai-openai"),
        prerelease=True,
    ),
    Emitter("litellm", "litellm_stack.py", ("litellm", "openai", "openinference-instrumentation-openai")),
    Emitter(
        "anthropic_twice",
        "anthropic_twice.py",
        ("opentelemetry-instrumentation-anthropic", "opentelemetry-instrumentation-openai", "anthropic", "openai"),
    ),
    Emitter(
        "vercel",
        "vercel.mjs",
        (
            "ai@6",
            "@ai-sdk/openai",
            "@ai-sdk/anthropic",
            "zod",
            "@opentelemetry/sdk-trace-node",
            "@opentelemetry/exporter-trace-otlp-proto",
        ),
        npm=True,
    ),
    Emitter(
        "vercel_7",
        "vercel.mjs",
        (
            "ai@7",
            "@ai-sdk/otel",
            "@ai-sdk/openai@4",
            "@ai-sdk/anthropic@4",
            "zod",
            "@opentelemetry/sdk-trace-node",
            "@opentelemetry/exporter-trace-otlp-proto",
        ),
        npm=True,
    ),
    Emitter("anthropic_native", "anthropic_native.py", ("anthropic", "mistralai"), environment="native"),
    Emitter("mistral_native", "mistral_native.py", ("anthropic", "mistralai"), environment="native"),
    Emitter("claude_code", "claude_code.py", ("@anthropic-ai/claude-code",), npm=True),
    Emitter("codex", "codex_cli.py", ("@openai/codex",), npm=True),
    Emitter("gemini_cli", "gemini_cli.py", ("@google/gemini-cli",), npm=True),
)
