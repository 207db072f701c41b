"""OpenLLMetry over the SDKs, and its LangChain instrumentor over its OpenAI one."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
os.environ["TRACELOOP_TELEMETRY"] = "false"

import calls
import exporting
import langchain_stack
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.langchain import LangchainInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = exporting.install()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
calls.openai(provider.force_flush)
calls.responses(provider.force_flush)
calls.anthropic(provider.force_flush)
LangchainInstrumentor().instrument()
langchain_stack.run(provider.force_flush)
