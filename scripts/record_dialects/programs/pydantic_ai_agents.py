"""Agents of pydantic-ai, alone and over OpenTelemetry's openai instrumentor."""

import asyncio
import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

from typing import Any

import calls
import exporting
import stage
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

provider = exporting.install()
Agent.instrument_all()


def ask(model: Any, name: str) -> None:
    agent = Agent(model, name="forecaster")
    if name == "tool":
        agent.tool_plain(weather)
    asyncio.run(_stream(agent) if name == "streamed" else agent.run("How is the weather in Lisbon?"))


def weather(city: str) -> str:
    return "sunny"


async def _stream(agent: Any) -> None:
    async with agent.run_stream("How is the weather in Lisbon?") as reply:
        async for _ in reply.stream_text():
            pass


def openai_model(name: str) -> Any:
    client = AsyncOpenAI(base_url=f"{stage.URL}/v1", api_key="simulated", max_retries=0)
    return OpenAIChatModel(calls.openai_model(name), provider=OpenAIProvider(openai_client=client))


def anthropic_model() -> Any:
    client = AsyncAnthropic(base_url=stage.URL, api_key="simulated", max_retries=0)
    return AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=client))


for name in calls.NAMES:
    with stage.scene("openai", f"openai_{name}", provider.force_flush, name):
        ask(openai_model(name), name)
    with stage.scene("anthropic", f"anthropic_{name}", provider.force_flush, name):
        ask(anthropic_model(), name)

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

OpenAIInstrumentor().instrument()
for name in ("cached", "streamed", "refused"):
    with stage.scene("openai", f"over_openai_{name}", provider.force_flush, name):
        ask(openai_model(name), name)
