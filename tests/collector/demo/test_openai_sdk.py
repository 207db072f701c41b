"""The installed openai SDK, with strict validation, accepts every reply of the simulator."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from pydantic import BaseModel

QUESTION: Any = [{"role": "user", "content": "Where is order 1042?"}]
LONG: Any = [{"role": "system", "content": "Follow the policy. " * 400}, *QUESTION]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
FLAT_TOOLS: Any = [{"type": "function", "name": "weather", "strict": True, "parameters": PARAMETERS}]


class Invoice(BaseModel):
    number: str
    total: float
    lines: list[str]


@pytest.fixture
def client(simulator):
    with openai.OpenAI(
        base_url=f"{simulator.url}/v1", api_key="sk-test", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def create(client, **changes):
    return client.chat.completions.create(**{"model": "gpt-4.1", "messages": QUESTION, **changes})


def test_a_chat_reply_has_text_usage_and_a_request_id(client):
    reply = create(client)
    assert reply.model == "gpt-4.1"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id.startswith("req_")


def test_the_same_request_gets_the_same_text(client):
    assert create(client).choices[0].message.content == create(client).choices[0].message.content


def test_a_token_is_four_characters(client):
    reply = create(client)
    assert reply.usage.completion_tokens == -(-len(reply.choices[0].message.content) // 4)


def test_several_choices_are_all_paid_for(client):
    one, three = create(client), create(client, n=3)
    assert len(three.choices) == 3
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens


def test_max_tokens_cuts_the_reply(client):
    reply = create(client, max_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 5


def test_a_tool_is_called_once_and_then_answered_in_words(client):
    first = create(client, tools=TOOLS).choices[0]
    call = first.message.tool_calls[0]
    assert (first.finish_reason, call.function.name) == ("tool_calls", "weather")
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    after = create(client, tools=TOOLS, messages=[*QUESTION, first.message.model_dump(exclude_none=True), result])
    assert after.choices[0].message.content


def test_a_parsed_reply_fits_the_schema(client):
    reply = client.chat.completions.parse(model="gpt-4.1", messages=QUESTION, response_format=Invoice)
    assert isinstance(reply.choices[0].message.parsed, Invoice)


def test_a_stream_tells_usage_only_when_asked(client):
    silent = list(create(client, stream=True))
    asked = list(create(client, stream=True, stream_options={"include_usage": True}))
    assert not any(chunk.usage for chunk in silent)
    assert asked[-1].choices == []
    assert asked[-1].usage.prompt_tokens == create(client).usage.prompt_tokens


def test_a_stream_says_what_the_plain_reply_says(client):
    pieces = [chunk.choices[0].delta.content or "" for chunk in create(client, stream=True)]
    assert "".join(pieces) == create(client).choices[0].message.content


def test_the_stream_helper_assembles_tool_calls(client):
    with client.chat.completions.stream(model="gpt-4.1", messages=QUESTION, tools=TOOLS) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.name == "weather"


def test_a_repeated_long_prompt_is_read_from_the_cache_in_steps_of_128(client):
    first, second = create(client, messages=LONG), create(client, messages=LONG)
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    cached = second.usage.prompt_tokens_details.cached_tokens
    assert cached == second.usage.prompt_tokens // 128 * 128 > 1024


def test_a_prompt_that_begins_differently_misses_the_cache(client):
    dated: Any = [{"role": "system", "content": "It is 09:26. "}, *LONG]
    create(client, messages=LONG)
    assert create(client, messages=dated).usage.prompt_tokens_details.cached_tokens == 0


def test_a_response_has_an_output_text(client):
    reply = client.responses.create(model="gpt-4.1", input="Where is order 1042?", instructions="Be brief.")
    assert reply.output_text
    assert reply.usage.output_tokens_details.reasoning_tokens == 0


def test_a_parsed_response_fits_the_schema(client):
    reply = client.responses.parse(model="gpt-5", input="Read this invoice", text_format=Invoice)
    assert isinstance(reply.output_parsed, Invoice)
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


def test_a_response_stream_ends_with_its_usage(client):
    events = list(client.responses.create(model="gpt-5", input="Where is order 1042?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].response.output_text == text


def test_a_response_cut_by_max_output_tokens_is_incomplete(client):
    events = list(client.responses.create(model="gpt-4.1", input="Tell me", stream=True, max_output_tokens=3))
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details.reason == "max_output_tokens"


def test_the_response_stream_helper_assembles_tool_calls(client):
    with client.responses.stream(model="gpt-4.1", input="Weather in Rome?", tools=FLAT_TOOLS) as stream:
        final = stream.get_final_response()
    assert final.output[-1].name == "weather"


def test_embeddings_are_unit_vectors_and_similar_texts_lie_closer(client):
    texts = ["refund of an order", "refund for the order", "weather in Rome"]
    reply = client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    first, second, third = (item.embedding for item in reply.data)
    assert len(first) == 1536
    assert dot(first, first) == pytest.approx(1, abs=1e-4)
    assert dot(first, second) > dot(first, third)
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0


def test_embeddings_come_packed_as_the_sdk_asks_by_default(simulator, client):
    loose = openai.OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-test")
    asked: Any = {"model": "text-embedding-3-small", "input": "refund", "dimensions": 64}
    packed = loose.embeddings.create(**asked).data[0].embedding  # base64 on the wire, which strict mode cannot read
    plain = client.embeddings.create(**asked, encoding_format="float").data[0].embedding
    assert packed == pytest.approx(plain, abs=1e-6)


def dot(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_the_async_client_gets_the_same(simulator, client):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="sk-test") as asynchronous:
            plain = await create(asynchronous)
            stream = await create(asynchronous, stream=True)
            return plain, "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    plain, streamed = asyncio.run(ask())
    assert plain.choices[0].message.content == streamed == create(client).choices[0].message.content
