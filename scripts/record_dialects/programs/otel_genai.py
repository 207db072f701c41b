"""OpenTelemetry's own GenAI instrumentors."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import calls
import exporting
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

provider = exporting.install()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
calls.openai(provider.force_flush)
calls.responses(provider.force_flush)
calls.anthropic(provider.force_flush)
