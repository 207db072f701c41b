"""Servers that speak OpenAI's language: who they are by their address, and usage where each of them puts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.support.provider import QUESTION

from spanledger import semconv
from spanledger.integrations import _compatible

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT: Any = {"model": "some-model", "messages": QUESTION}
HABITS = {
    "without-usage": "absent",
    "null-usage": "absent",
    "running-usage": "measured",
    "usage-with-choices": "measured",
    "without-id": "measured",
    "without-done": "measured",
}
ADDRESSES = {
    "https://api.openai.com/v1": "openai",
    "https://eu.api.openai.com/v1": "openai",
    "https://api.deepseek.com": "deepseek",
    "https://api.groq.com/openai/v1": "groq",
    "https://api.together.xyz/v1": "together",
    "https://openrouter.ai/api/v1": "openrouter",
    "https://api.mistral.ai/v1": "mistral_ai",
    "https://api.x.ai/v1": "x_ai",
    "https://api.fireworks.ai/inference/v1": "fireworks",
    "https://api.perplexity.ai": "perplexity",
    "https://mine.openai.azure.com/openai/v1": "azure.ai.openai",
    "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1": "aws.bedrock",
    "https://generativelanguage.googleapis.com/v1beta/openai": "gcp.gemini",
    "http://localhost:11434/v1": "ollama",
    "http://[::1]:11434/v1": "ollama",
}
NOBODYS = ("http://127.0.0.1:8000/v1", "https://llm.example.com/v1", "https://notopenrouter.ai/v1")


def client(url: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="test", **options)


@pytest.mark.parametrize(("url", "provider"), ADDRESSES.items())
def test_the_address_tells_the_provider(url: str, provider: str) -> None:
    assert _compatible.read_client(client(url)) == {semconv.PROVIDER_NAME: provider}


@pytest.mark.parametrize("url", NOBODYS)
def test_behind_an_address_of_nobodys_the_provider_is_assumed(url: str) -> None:
    assert _compatible.read_client(client(url)) == {semconv.PROVIDER_ASSUMED: True}


def test_what_is_assumed_is_on_the_span(provider: Simulator, spans: Spans) -> None:
    client(provider.base_urls["openai"]).chat.completions.create(**CHAT)
    told = spans.one
    assert (told[semconv.PROVIDER_NAME], told[semconv.PROVIDER_ASSUMED]) == ("openai", True)


def test_azure_says_itself_whose_it_is(provider: Simulator, spans: Spans) -> None:
    azure = openai.AzureOpenAI(azure_endpoint=provider.url, api_key="test", api_version="2024-10-21")
    azure.chat.completions.create(model="gpt-4.1", messages=CHAT["messages"])
    azure.embeddings.create(model="text-embedding-3-small", input="a canary")
    for span in spans.all:
        told = dict(span.attributes or {})
        assert told[semconv.PROVIDER_NAME] == "azure.ai.openai"
        assert semconv.PROVIDER_ASSUMED not in told
        assert told[semconv.USAGE_GRADE] == "measured"


@pytest.mark.parametrize(("habit", "grade"), HABITS.items())
@pytest.mark.parametrize("stream", [False, True])
def test_usage_is_found_where_each_puts_it(
    provider: Simulator, spans: Spans, habit: str, grade: str, *, stream: bool
) -> None:
    made = client(provider.base_urls[f"compatible-{habit}"])
    asked: Any = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    reply: Any = made.chat.completions.create(**CHAT, **asked)
    assert list(reply)
    assert (spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]) == ("ok", grade)
    assert spans.one[semconv.OUTPUT_CHARS] > 0


BESIDE: Any = [
    ({"prompt_cache_hit_tokens": 1024, "prompt_cache_miss_tokens": 176}, {semconv.USAGE_CACHE_READ: 1024}),
    ({"cached_tokens": 1024}, {semconv.USAGE_CACHE_READ: 1024}),
    ({"cost": 0.00125}, {semconv.REPORTED_COST: "0.00125"}),
    ({"cost": {"total_cost": 1e-05}}, {semconv.REPORTED_COST: "0.00001"}),
    (
        {"completion_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 1414},
        {semconv.USAGE_OUTPUT_TOKENS: 214, semconv.USAGE_REASONING: 64},
    ),
]


@pytest.mark.parametrize(("more", "expected"), BESIDE, ids=["deepseek", "moonshot", "openrouter", "perplexity", "xai"])
def test_what_each_tells_beside_is_read(
    provider: Simulator, spans: Spans, more: dict[str, Any], expected: dict[str, Any]
) -> None:
    usage = {"prompt_tokens": 1200, "completion_tokens": 150, "total_tokens": 1350, **more}
    provider.script([{"usage": usage}, {"usage": usage}])
    made = client(provider.base_urls["compatible-usage-with-choices"])
    made.chat.completions.create(**CHAT)
    with made.chat.completions.with_streaming_response.create(**CHAT) as response:
        response.read()
    for span in spans.all:
        told = dict(span.attributes or {})
        assert {key: told.get(key) for key in expected} == expected
