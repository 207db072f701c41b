"""The installed anthropic SDK, with strict validation, accepts every reply of the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
POLICY = "Follow the policy. " * 300
TOOLS: Any = [
    {
        "name": "find_order",
        "input_schema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    }
]
MODEL = "claude-sonnet-5"


class Ticket(BaseModel):
    subject: str
    urgent: bool


@pytest.fixture
def client(simulator):
    with anthropic.Anthropic(
        base_url=simulator.url, api_key="sk-test", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def create(client, **changes):
    return client.messages.create(**{"model": MODEL, "max_tokens": 500, "messages": QUESTION, **changes})


def system(text, **control):
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", **control}}]


def test_a_message_has_text_usage_and_a_request_id(client):
    reply = create(client)
    assert (reply.model, reply.stop_reason, reply.content[0].type) == (MODEL, "end_turn", "text")
    assert reply.usage.output_tokens == -(-len(reply.content[0].text) // 4)
    assert reply._request_id.startswith("req_")


def test_max_tokens_cuts_the_reply(client):
    reply = create(client, max_tokens=4)
    assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 4)


def test_a_tool_is_used_once_and_then_answered_in_words(client):
    first = create(client, tools=TOOLS)
    use = first.content[0]
    assert (first.stop_reason, use.name) == ("tool_use", "find_order")
    assert isinstance(use.input["number"], int)
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "sent"}]}
    turns = [*QUESTION, {"role": "assistant", "content": [use.model_dump(exclude_none=True)]}, result]
    assert create(client, tools=TOOLS, messages=turns).content[0].type == "text"


def test_a_parsed_reply_fits_the_schema(client):
    reply = client.messages.parse(model=MODEL, max_tokens=500, messages=QUESTION, output_format=Ticket)
    assert isinstance(reply.parsed_output, Ticket)


def test_a_stream_has_the_whole_sequence_of_events(client):
    kinds = [event.type for event in create(client, stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_the_stream_helper_assembles_the_plain_reply(client):
    with client.messages.stream(model=MODEL, max_tokens=500, messages=QUESTION) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    plain = create(client)
    assert text == plain.content[0].text
    assert final.usage.output_tokens == plain.usage.output_tokens


def test_the_stream_helper_assembles_tool_input(client):
    with client.messages.stream(model=MODEL, max_tokens=500, messages=QUESTION, tools=TOOLS) as stream:
        final = stream.get_final_message()
    assert final.content[0].input == create(client, tools=TOOLS).content[0].input


def test_a_marked_prefix_is_written_once_and_then_read(client):
    first, second = (create(client, system=system(POLICY)).usage for _ in range(2))
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens > 1024
    assert (second.cache_read_input_tokens, second.cache_creation_input_tokens) == (
        first.cache_creation_input_tokens,
        0,
    )
    assert first.input_tokens == second.input_tokens < 20  # what is cached is left out


def test_an_hour_long_write_is_told_apart(client):
    usage = create(client, system=system(POLICY, ttl="1h")).usage
    assert usage.cache_creation.ephemeral_1h_input_tokens == usage.cache_creation_input_tokens > 0
    assert usage.cache_creation.ephemeral_5m_input_tokens == 0


def test_a_prefix_below_the_models_minimum_is_silently_not_cached(client):
    usage = create(client, model="claude-haiku-4-5", system=system(POLICY)).usage
    assert usage.cache_creation_input_tokens == 0
    assert usage.input_tokens > 1024


def test_five_breakpoints_are_refused(client):
    with pytest.raises(anthropic.BadRequestError, match="maximum of 4 blocks"):
        create(client, system=[part for _ in range(5) for part in system(POLICY)])


def test_counting_tokens_agrees_with_what_is_billed(client):
    counted = client.messages.count_tokens(model=MODEL, messages=QUESTION)
    assert counted.input_tokens == create(client).usage.input_tokens


def test_the_async_client_gets_the_same(simulator, client):
    async def ask():
        asynchronous = anthropic.AsyncAnthropic(base_url=simulator.url, api_key="sk-test")
        async with asynchronous.messages.stream(model=MODEL, max_tokens=500, messages=QUESTION) as stream:
            return await create(asynchronous), await stream.get_final_text()

    plain, streamed = asyncio.run(ask())
    assert plain.content[0].text == streamed == create(client).content[0].text


def test_a_batch_is_accepted(client):
    params: Any = {"model": MODEL, "max_tokens": 5, "messages": QUESTION}
    batch = client.messages.batches.create(requests=[{"custom_id": "one", "params": params}])
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 1)
