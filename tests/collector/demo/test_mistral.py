"""The installed mistralai SDK works against the simulator: chat, FIM, agents, conversations, embeddings."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

client_module = pytest.importorskip("mistralai.client")
from mistralai.client import errors, utils  # noqa: E402 - only where it is installed

pytestmark = pytest.mark.sdk
MODEL = "mistral-small-latest"
QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
PARAMETERS = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS: Any = [{"type": "function", "function": {"name": "find_order", "parameters": PARAMETERS}}]
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "num_cached_tokens": 3}
RETRIES = utils.RetryConfig("backoff", utils.BackoffStrategy(1, 10, 1, 5_000), retry_connection_errors=True)


@pytest.fixture
def client(simulator):
    with client_module.Mistral(api_key="test", server_url=simulator.base_urls["mistral"]) as client:
        yield client


def chat(client, **changes):
    return client.chat.complete(**{"model": MODEL, "messages": QUESTION, **changes})


def stream(client, **changes):
    return [each.data for each in client.chat.stream(**{"model": MODEL, "messages": QUESTION, **changes})]


def test_a_reply_has_text_and_usage(client):
    reply = chat(client)
    usage = reply.usage
    assert (reply.model, reply.choices[0].finish_reason) == (MODEL, "stop")
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_a_stream_tells_usage_unasked_on_its_last_chunk(client):
    chunks, plain = stream(client), chat(client)
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == plain.choices[0].message.content
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage == plain.usage


def test_the_async_methods_get_the_same(client):
    async def both():
        events = await client.chat.stream_async(model=MODEL, messages=QUESTION)
        told = "".join([each.data.choices[0].delta.content async for each in events])
        return told, await client.chat.complete_async(model=MODEL, messages=QUESTION)

    told, plain = asyncio.run(both())
    assert told == plain.choices[0].message.content


def test_a_tool_is_called_once_and_then_answered_in_words(client):
    message = chat(client, tools=TOOLS).choices[0].message
    assert message.tool_calls[0].function.name == "find_order"
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "name": "find_order", "content": "sent"}
    after = chat(client, tools=TOOLS, messages=[*QUESTION, message, result])
    assert after.choices[0].message.content


def test_a_streamed_tool_call_comes_in_one_piece(client):
    last = stream(client, tools=TOOLS)[-1].choices[0]
    assert (last.finish_reason, last.delta.tool_calls[0].function.name) == ("tool_calls", "find_order")


def test_usage_is_taken_from_the_script_with_its_extras(client, simulator):
    simulator.script([{"usage": USAGE}] * 2)
    for usage in (chat(client).usage, stream(client)[-1].usage):
        assert (usage.prompt_tokens, usage.model_extra["num_cached_tokens"]) == (7, 3)


def test_code_is_filled_in(client):
    reply = client.fim.complete(model="codestral-latest", prompt="def add(", suffix="return a + b")
    events = list(client.fim.stream(model="codestral-latest", prompt="def add(", suffix="return a + b"))
    assert reply.choices[0].message.content
    assert events[-1].data.usage == reply.usage


def test_an_agent_names_its_model_in_the_reply(client):
    assert client.agents.complete(agent_id="ag_1", messages=QUESTION).model.startswith("mistral-")
    assert list(client.agents.stream(agent_id="ag_1", messages=QUESTION))[-1].data.usage.total_tokens


def test_a_conversation_pays_again_for_what_was_said(client):
    conversations = client.beta.conversations
    first = conversations.start(model=MODEL, inputs="Where is order 1042?")
    second = conversations.append(conversation_id=first.conversation_id, inputs="And order 1043?")
    assert second.outputs[0].content
    assert second.usage.prompt_tokens > first.usage.total_tokens


def test_a_conversations_stream_ends_with_its_usage(client):
    events = list(client.beta.conversations.start_stream(model=MODEL, inputs="Where is order 1042?"))
    plain = client.beta.conversations.start(model=MODEL, inputs="Where is order 1042?")
    assert "".join(each.data.content for each in events[1:-1]) == plain.outputs[0].content
    assert (events[-1].event, events[-1].data.usage) == ("conversation.response.done", plain.usage)


def test_embeddings_are_counted(client):
    reply = client.embeddings.create(model="mistral-embed", inputs=["refund", "weather"])
    assert [len(each.embedding) for each in reply.data] == [1024, 1024]
    assert reply.usage.prompt_tokens == 4


def test_an_error_has_the_providers_body(client, simulator):
    simulator.script([{"status": 429}])
    with pytest.raises(errors.SDKError, match="Rate limit exceeded") as raised:
        chat(client)
    assert (raised.value.status_code, raised.value.headers["x-ratelimit-limit-req-minute"]) == (429, "10000")


def test_a_retry_is_a_second_request(client, simulator):
    simulator.script([{"status": 500}, {"status": 429, "headers": {"retry-after": "0"}}])
    assert chat(client, retries=RETRIES).choices
    assert len(simulator.requests) == 3


def test_a_dropped_stream_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    seen: list[Any] = []
    with pytest.raises(Exception, match=r"incomplete|closed"):
        seen.extend(client.chat.stream(model=MODEL, messages=QUESTION))
    assert len(seen) == 3  # the opening chunk and two pieces
