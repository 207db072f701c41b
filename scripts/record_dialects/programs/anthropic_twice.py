"""The anthropic SDK's own spans inside those of OpenLLMetry's instrumentor."""

import os

os.environ["TRACELOOP_TELEMETRY"] = "false"

import calls
import exporting
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

provider = exporting.install()
AnthropicInstrumentor().instrument()
calls.anthropic(provider.force_flush)
