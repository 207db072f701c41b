"""The installed ollama SDK works against the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

ollama = pytest.importorskip("ollama")

pytestmark = pytest.mark.sdk
MODEL = "llama3.2"
QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
PARAMETERS = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS: Any = [{"type": "function", "function": {"name": "find_order", "parameters": PARAMETERS}}]
COUNTS = ("prompt_eval_count", "eval_count", "total_duration", "prompt_eval_duration", "eval_duration")


@pytest.fixture
def client(simulator):
    return ollama.Client(host=simulator.base_urls["ollama"])


def chat(client, **changes):
    return client.chat(**{"model": MODEL, "messages": QUESTION, **changes})


def counts(reply):
    return [reply[name] for name in COUNTS]


def test_a_reply_counts_tokens_and_nanoseconds(client):
    reply = chat(client)
    assert (reply.model, reply.done, reply.done_reason) == (MODEL, True, "stop")
    assert reply.eval_count == -(-len(reply.message.content) // 4)
    assert reply.total_duration > reply.eval_duration > 0


def test_a_streams_last_line_has_the_counts(client):
    chunks, plain = list(chat(client, stream=True)), chat(client)
    assert "".join(chunk.message.content for chunk in chunks) == plain.message.content
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert counts(chunks[-1]) == counts(plain)


def test_the_async_client_gets_the_same(simulator, client):
    async def both():
        asynchronous = ollama.AsyncClient(host=simulator.base_urls["ollama"])
        chunks = [chunk async for chunk in await chat(asynchronous, stream=True)]
        return chunks[-1], await chat(asynchronous)

    streamed, plain = asyncio.run(both())
    assert counts(streamed) == counts(plain) == counts(chat(client))


def test_a_tool_is_called_once_and_then_answered_in_words(client):
    call = chat(client, tools=TOOLS).message.tool_calls[0].function
    assert (call.name, type(call.arguments["number"])) == ("find_order", int)
    assert next(iter(chat(client, tools=TOOLS, stream=True))).message.tool_calls[0].function == call
    result = {"role": "tool", "tool_name": "find_order", "content": "sent"}
    assert chat(client, tools=TOOLS, messages=[*QUESTION, result]).message.content


def test_a_prompt_is_continued_plain_and_streamed(client):
    plain = client.generate(model=MODEL, prompt="Once upon", options={"num_predict": 3})
    chunks = list(client.generate(model=MODEL, prompt="Once upon", options={"num_predict": 3}, stream=True))
    assert "".join(chunk.response for chunk in chunks) == plain.response
    assert (plain.done_reason, plain.eval_count, chunks[-1].eval_count) == ("length", 3, 3)


def test_embeddings_of_the_newer_endpoint_are_counted(client):
    reply = client.embed(model="nomic-embed-text", input=["refund", "weather"])
    assert ([len(each) for each in reply.embeddings], reply.prompt_eval_count) == ([768, 768], 4)
    assert len(client.embeddings(model="nomic-embed-text", prompt="refund").embedding) == 768


def test_usage_is_taken_from_the_script(client, simulator):
    simulator.script([{"usage": {"prompt_eval_count": 7, "eval_count": 5}}] * 2)
    for reply in (chat(client), list(chat(client, stream=True))[-1]):
        assert (reply.prompt_eval_count, reply.eval_count, reply.total_duration) == (7, 5, None)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_is_raised_and_the_caller_tries_again(client, simulator, streamed):
    simulator.script([{"status": 503}])
    with pytest.raises(ollama.ResponseError, match="server busy") as raised:
        list(chat(client, stream=streamed))
    assert raised.value.status_code == 503
    assert list(chat(client, stream=streamed))


def test_a_stream_can_fail_in_the_middle(client, simulator):
    simulator.script([{"error_after_chunks": 1}])
    with pytest.raises(ollama.ResponseError, match="terminated"):
        list(chat(client, stream=True))


def test_a_dropped_stream_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    seen: list[Any] = []
    with pytest.raises(Exception, match=r"incomplete|closed"):
        seen.extend(chat(client, stream=True))
    assert len(seen) == 2
