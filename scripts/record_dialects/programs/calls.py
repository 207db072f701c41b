"""The same calls, made by the real SDKs, for every emitter that watches these SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stage

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("plain", "cached", "streamed", "reasoning", "tool", "refused")
ASK: Any = [{"role": "user", "content": "How is the weather in Lisbon?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
ANTHROPIC_TOOLS: Any = [{"name": "weather", "input_schema": SCHEMA}]


def openai_model(name: str) -> str:
    return "gpt-5-mini" if name == "reasoning" else "gpt-4.1-mini"


def openai(flush: Callable[[], object], client: Any = None) -> None:
    """Chat completions and embeddings."""
    if client is None:
        import openai

        client = openai.OpenAI(base_url=f"{stage.URL}/v1", api_key="simulated", max_retries=0)
    for name in NAMES:
        with stage.scene("openai", f"openai_{name}", flush, name):
            _chat(client, name)
    with stage.scene("openai-embeddings", "openai_embeddings", flush, "embeddings"):
        client.embeddings.create(model="text-embedding-3-small", input="sunny")


def _chat(client: Any, name: str) -> None:
    asked: dict[str, Any] = {"model": openai_model(name), "messages": ASK}
    if name == "tool":
        asked["tools"] = OPENAI_TOOLS
    if name == "streamed":
        list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    else:
        client.chat.completions.create(**asked)


def responses(flush: Callable[[], object]) -> None:
    """The Responses API."""
    import openai

    client = openai.OpenAI(base_url=f"{stage.URL}/v1", api_key="simulated", max_retries=0)
    for name in ("plain", "cached", "streamed", "reasoning", "refused"):
        with stage.scene("openai-responses", f"responses_{name}", flush, name):
            reply = client.responses.create(
                model=openai_model(name), input="How is the weather?", stream=name == "streamed"
            )
            if name == "streamed":
                list(reply)


def anthropic(flush: Callable[[], object], **options: Any) -> None:
    """Messages."""
    import anthropic

    client = anthropic.Anthropic(base_url=stage.URL, api_key="simulated", max_retries=0, **options)
    for name in NAMES:
        with stage.scene("anthropic", f"anthropic_{name}", flush, name):
            asked: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 300, "messages": ASK}
            if name == "tool":
                asked["tools"] = ANTHROPIC_TOOLS
            if name == "streamed":
                list(client.messages.create(**asked, stream=True))
            else:
                client.messages.create(**asked)
