"""The installed cohere SDK works against the simulator, in both versions of the API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

cohere = pytest.importorskip("cohere")

pytestmark = pytest.mark.sdk
MODEL = "command-a-03-2025"
TEXT = "Where is order 1042?"
QUESTION: Any = [{"role": "user", "content": TEXT}]
PARAMETERS = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS: Any = [{"type": "function", "function": {"name": "find_order", "parameters": PARAMETERS}}]
OLD_TOOLS: Any = [
    {"name": "find_order", "description": "d", "parameter_definitions": {"number": {"type": "int", "required": True}}}
]
SCRIPTED = {"billed_units": {"input_tokens": 5, "output_tokens": 2}, "tokens": {"input_tokens": 71, "output_tokens": 3}}


@pytest.fixture
def client(simulator):
    return cohere.ClientV2(api_key="test", base_url=simulator.base_urls["cohere"])


@pytest.fixture
def old_client(simulator):
    return cohere.Client(api_key="test", base_url=simulator.base_urls["cohere"])


def chat(client, **changes):
    return client.chat(**{"model": MODEL, "messages": QUESTION, **changes})


def stream(client, **changes):
    return list(client.chat_stream(**{"model": MODEL, "messages": QUESTION, **changes}))


def test_a_reply_bills_less_than_it_counts(client):
    reply = chat(client)
    assert (reply.finish_reason, reply.message.content[0].type) == ("COMPLETE", "text")
    assert 0 < reply.usage.billed_units.input_tokens < reply.usage.tokens.input_tokens
    assert reply.usage.billed_units.output_tokens == reply.usage.tokens.output_tokens


def test_a_stream_ends_with_the_usage_of_the_plain_reply(client):
    events, plain = stream(client), chat(client)
    told = [event.delta.message.content.text for event in events if event.type == "content-delta"]
    assert "".join(told) == plain.message.content[0].text
    assert (events[0].type, events[-1].type) == ("message-start", "message-end")
    assert events[-1].delta.usage == plain.usage


def test_the_async_client_gets_the_same(simulator, client):
    async def both():
        async with cohere.AsyncClientV2(api_key="test", base_url=simulator.base_urls["cohere"]) as asynchronous:
            events = [each async for each in asynchronous.chat_stream(model=MODEL, messages=QUESTION)]
            return events[-1], await chat(asynchronous)

    last, plain = asyncio.run(both())
    assert last.delta.usage == plain.usage == chat(client).usage


def test_a_tool_is_called_plain_and_streamed(client):
    call = chat(client, tools=TOOLS).message.tool_calls[0]
    events = stream(client, tools=TOOLS)
    told = [each.delta.message.tool_calls.function.arguments for each in events if each.type == "tool-call-delta"]
    assert (call.function.name, call.function.arguments) == ("find_order", "".join(told))
    assert events[-1].delta.finish_reason == "TOOL_CALL"


def test_usage_is_taken_from_the_script(client, old_client, simulator):
    simulator.script([{"usage": SCRIPTED}] * 3)
    old = old_client.chat(model=MODEL, message=TEXT).meta
    for usage in (chat(client).usage, stream(client)[-1].delta.usage, old):
        assert (usage.billed_units.output_tokens, usage.tokens.input_tokens) == (2, 71)


def test_the_first_version_tells_its_usage_in_meta(old_client):
    plain = old_client.chat(model=MODEL, message=TEXT)
    events = list(old_client.chat_stream(model=MODEL, message=TEXT))
    assert "".join(each.text for each in events if each.event_type == "text-generation") == plain.text
    assert events[-1].response.meta == plain.meta
    assert plain.meta.billed_units.input_tokens < plain.meta.tokens.input_tokens


def test_the_first_version_calls_tools(old_client):
    plain = old_client.chat(model=MODEL, message=TEXT, tools=OLD_TOOLS)
    events = list(old_client.chat_stream(model=MODEL, message=TEXT, tools=OLD_TOOLS))
    assert isinstance(plain.tool_calls[0].parameters["number"], int)
    assert events[-1].response.tool_calls == plain.tool_calls


def test_generate_still_answers(old_client):
    plain = old_client.generate(model="command", prompt=TEXT)
    events = list(old_client.generate_stream(model="command", prompt=TEXT))
    assert plain.meta.billed_units.output_tokens > 0
    assert events[-1].response.generations[0].text == plain.generations[0].text


def test_embeddings_are_billed_by_token(client, old_client):
    asked: Any = {"model": "embed-v4.0", "texts": ["refund", "weather"], "input_type": "search_document"}
    typed, bare = client.embed(**asked, embedding_types=["float"]), old_client.embed(**asked)
    assert typed.embeddings.float_ == bare.embeddings
    assert typed.meta.billed_units.input_tokens == bare.meta.billed_units.input_tokens == 4


def test_ninety_seven_texts_take_two_requests_of_the_first_version(old_client, simulator):
    reply = old_client.embed(model="embed-v4.0", texts=["a"] * 97, input_type="search_document")
    assert (len(reply.embeddings), len(simulator.requests)) == (97, 2)


def test_reranking_is_billed_in_search_units(client, old_client):
    asked: Any = {"model": "rerank-v3.5", "query": "refund", "documents": ["weather", "a refund"], "top_n": 1}
    for reply in (client.rerank(**asked), old_client.rerank(**asked)):
        assert (reply.results[0].index, reply.meta.billed_units.search_units) == (1, 1)


def test_an_error_is_the_sdks_own(client, simulator):
    simulator.script([{"status": 429}])
    with pytest.raises(cohere.TooManyRequestsError) as raised:
        chat(client, request_options={"max_retries": 0})
    assert "rate limit" in raised.value.body["message"]


def test_a_retry_is_a_second_request(client, simulator):
    simulator.script([{"status": 503, "headers": {"retry-after": "0.01"}}])
    assert chat(client, request_options={"max_retries": 2}).usage
    assert len(simulator.requests) == 2


@pytest.mark.parametrize("version", ["client", "old_client"])
def test_a_dropped_stream_breaks_in_the_callers_hands(version, request, simulator):
    client, seen = request.getfixturevalue(version), []
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    asked = {"message": TEXT} if version == "old_client" else {"messages": QUESTION}
    with pytest.raises(Exception, match=r"incomplete|closed"):
        seen.extend(client.chat_stream(model=MODEL, **asked))
    assert len(seen) == 3 + (version == "client")


def test_a_stream_that_fails_in_the_middle_only_says_so(client, old_client, simulator):
    simulator.script([{"error_after_chunks": 1}] * 2)
    assert stream(client)[-1].delta.finish_reason == "ERROR"
    assert list(old_client.chat_stream(model=MODEL, message=TEXT))[-1].finish_reason == "ERROR"
