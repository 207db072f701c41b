"""OpenInference over the SDKs, and its LangChain tracer over its OpenAI one."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import calls
import exporting
import langchain_stack
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = exporting.install()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
calls.openai(provider.force_flush)
calls.responses(provider.force_flush)
calls.anthropic(provider.force_flush)
LangChainInstrumentor().instrument()
langchain_stack.run(provider.force_flush)
