"""The installed groq SDK works against the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

groq = pytest.importorskip("groq")

pytestmark = pytest.mark.sdk
MODEL = "llama-3.3-70b-versatile"
QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
PARAMETERS = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS: Any = [{"type": "function", "function": {"name": "find_order", "parameters": PARAMETERS}}]
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def made(simulator, kind="Groq", retries=0):
    client = getattr(groq, kind)
    return client(
        base_url=simulator.base_urls["groq"], api_key="test", max_retries=retries, _strict_response_validation=True
    )


@pytest.fixture
def client(simulator):
    with made(simulator) as client:
        yield client


def chat(client, **changes):
    return client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, **changes})


def test_a_reply_has_usage_with_the_time_it_took(client):
    reply = chat(client)
    assert (reply.model, reply.choices[0].finish_reason) == (MODEL, "stop")
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.total_time == reply.usage.prompt_time + reply.usage.completion_time


def test_a_stream_tells_usage_unasked_in_x_groq(client):
    chunks, plain = list(chat(client, stream=True)), chat(client)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == plain.choices[0].message.content
    assert chunks[0].x_groq.id == chunks[-1].x_groq.id
    assert chunks[-1].x_groq.usage == plain.usage
    assert not any(chunk.usage for chunk in chunks)


def test_usage_is_taken_from_the_script(client, simulator):
    simulator.script([{"usage": USAGE}] * 2)
    for usage in (chat(client).usage, list(chat(client, stream=True))[-1].x_groq.usage):
        assert usage.model_dump(exclude_none=True) == USAGE


def test_the_async_client_gets_the_same(simulator, client):
    async def both():
        async with made(simulator, "AsyncGroq") as asynchronous:
            chunks = [chunk async for chunk in await chat(asynchronous, stream=True)]
            return chunks[-1].x_groq.usage, (await chat(asynchronous)).usage

    assert set(map(str, asyncio.run(both()))) == {str(chat(client).usage)}


def test_a_tool_is_called_plain_and_streamed(client):
    call = chat(client, tools=TOOLS).choices[0].message.tool_calls[0]
    chunks = list(chat(client, tools=TOOLS, stream=True))
    assert call.function.name == chunks[0].choices[0].delta.tool_calls[0].function.name == "find_order"


def test_a_transcription_tells_no_usage(simulator):
    loose = groq.Groq(base_url=simulator.base_urls["groq"], api_key="test")
    reply = loose.audio.transcriptions.create(model="whisper-large-v3", file=("a.mp3", b"\xff\xfb" * 100))
    assert reply.text
    assert "usage" not in reply.model_dump()


def test_an_error_has_the_providers_body_and_headers(client, simulator):
    simulator.script([{"status": 429}])
    with pytest.raises(groq.RateLimitError) as raised:
        chat(client)
    assert raised.value.body["error"]["code"] == "rate_limit_exceeded"
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_a_retry_is_a_second_request(simulator):
    simulator.script([{"status": 429, "headers": {"retry-after": "0.01"}}])
    with made(simulator, retries=1) as client:
        assert chat(client).usage
    assert len(simulator.requests) == 2


def test_a_dropped_stream_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    seen: list[Any] = []
    with pytest.raises(Exception, match=r"incomplete|Connection error"):
        seen.extend(chat(client, stream=True))
    assert len(seen) == 3


def test_a_stream_can_fail_in_the_middle(client, simulator):
    simulator.script([{"error_after_chunks": 1}])
    with pytest.raises(groq.APIError, match="server had an error"):
        list(chat(client, stream=True))
