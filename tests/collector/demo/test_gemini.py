"""The installed google-genai SDK works against the simulator, on the Gemini API and on Vertex."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest

genai = pytest.importorskip("google.genai")
from google.genai import errors, types  # noqa: E402 - only where it is installed

pytestmark = pytest.mark.sdk
MODEL = "gemini-2.5-flash"
QUESTION = "Where is order 1042?"
TURNS: Any = [{"role": "user", "content": QUESTION}]
LONG = "Follow the policy. " * 600 + QUESTION


def options(url, retries=1):
    quick = types.HttpRetryOptions(attempts=retries, initial_delay=0.01, max_delay=0.01)
    return types.HttpOptions(base_url=url, retry_options=quick)


@pytest.fixture
def client(simulator):
    return genai.Client(api_key="test", http_options=options(simulator.base_urls["gemini"]))


def ask(client, contents=QUESTION, model=MODEL, **config):
    return client.models.generate_content(model=model, contents=contents, config=config or None)


def read(client, **config):
    return list(client.models.generate_content_stream(model=MODEL, contents=QUESTION, config=config or None))


def find_order(number: int) -> str:
    """Where an order is."""
    return f"order {number} was sent"


def test_a_reply_has_text_and_usage(client):
    reply = ask(client)
    usage = reply.usage_metadata
    assert (reply.model_version, reply.candidates[0].finish_reason.value) == (MODEL, "STOP")
    assert usage.candidates_token_count == -(-len(reply.text) // 4)
    assert usage.total_token_count == sum(
        (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count or 0)
    )


def test_thoughts_are_counted_beside_the_candidates(client, simulator):
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 50, "totalTokenCount": 63}
    simulator.script([{"usage": usage}] * 2)
    for reply in (ask(client), read(client)[-1]):
        told = reply.usage_metadata
        assert (told.candidates_token_count, told.thoughts_token_count, told.total_token_count) == (4, 50, 63)


def test_a_stream_says_what_the_plain_reply_says_and_ends_with_its_usage(client):
    chunks, plain = read(client), ask(client)
    assert "".join(chunk.text or "" for chunk in chunks) == plain.text
    assert chunks[-1].usage_metadata == plain.usage_metadata
    assert chunks[0].usage_metadata.candidates_token_count < chunks[-1].usage_metadata.candidates_token_count


def test_the_async_client_gets_the_same(client):
    async def both():
        models = client.aio.models
        chunks = await models.generate_content_stream(model=MODEL, contents=QUESTION)
        told = "".join([chunk.text or "" async for chunk in chunks])
        return told, await models.generate_content(model=MODEL, contents=QUESTION)

    told, plain = asyncio.run(both())
    assert told == plain.text == ask(client).text


def test_automatic_function_calling_takes_one_turn_for_each_call(client, simulator):
    simulator.script([{"tool": {"name": "find_order", "arguments": {"number": n}}} for n in (1, 2)])
    reply = ask(client, tools=[find_order])
    assert reply.text
    assert len(simulator.requests) == 3


def test_function_calls_come_in_streams_too(client):
    disabled = types.AutomaticFunctionCallingConfig(disable=True)
    chunks = read(client, tools=[find_order], automatic_function_calling=disabled)
    call = chunks[0].function_calls[0]
    assert (call.name, type(call.args["number"])) == ("find_order", int)


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_a_schema_is_kept(client, field):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    reply = ask(client, response_mime_type="application/json", **{field: schema})
    assert {type(value) for value in reply.parsed.values()} == {str, int}


def test_a_repeated_long_prompt_is_read_from_the_cache(client):
    first, second = (ask(client, LONG).usage_metadata for _ in range(2))
    assert first.cached_content_token_count is None
    assert 1024 < second.cached_content_token_count <= second.prompt_token_count


def test_an_explicit_cache_is_inside_the_prompt(client):
    cache = client.caches.create(model=MODEL, config={"contents": [LONG]})
    usage = ask(client, cached_content=cache.name).usage_metadata
    assert usage.cached_content_token_count == cache.usage_metadata.total_token_count > 1024
    assert usage.prompt_token_count > usage.cached_content_token_count


def test_counting_tokens_agrees_with_what_is_billed(client):
    counted = client.models.count_tokens(model=MODEL, contents=QUESTION).total_tokens
    assert counted == ask(client).usage_metadata.prompt_token_count


def test_several_texts_become_several_vectors(client):
    reply = client.models.embed_content(
        model="gemini-embedding-001", contents=["a", "b"], config={"output_dimensionality": 8}
    )
    assert [len(each.values) for each in reply.embeddings] == [8, 8]


@pytest.mark.parametrize(("status", "name"), [(429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")])
def test_an_error_has_the_providers_status(client, simulator, status, name):
    simulator.script([{"status": status}])
    with pytest.raises(errors.APIError) as raised:
        ask(client)
    assert (raised.value.code, raised.value.status) == (status, name)


def test_a_retry_is_a_second_request(simulator):
    retrying = genai.Client(api_key="test", http_options=options(simulator.base_urls["gemini"], retries=3))
    simulator.script([{"status": 503}, {"status": 429}])
    assert ask(retrying).text
    assert len(simulator.requests) == 3


def test_a_dropped_stream_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    seen = []
    with pytest.raises(Exception, match=r"incomplete|closed"):
        seen.extend(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
    assert len(seen) == 2


def test_a_stream_can_fail_in_the_middle(client, simulator):
    simulator.script([{"error_after_chunks": 1}])
    with pytest.raises(errors.ServerError, match="overloaded"):
        read(client)


@pytest.fixture
def vertex(simulator):
    from google.oauth2.credentials import Credentials

    url = simulator.base_urls["vertex"]
    credentials = Credentials("test")
    return genai.Client(
        vertexai=True, project="p", location="europe-west1", credentials=credentials, http_options=options(url)
    )


def test_vertex_answers_on_its_own_paths(vertex, simulator):
    reply = ask(vertex)
    assert reply.usage_metadata.traffic_type.value == "ON_DEMAND"
    assert "/projects/p/locations/europe-west1/publishers/google/models/" in simulator.requests[0].path


def test_vertex_streams(vertex):
    assert read(vertex)[-1].usage_metadata == ask(vertex).usage_metadata


def test_vertex_counts_the_tokens_of_each_embedded_text(vertex):
    reply = vertex.models.embed_content(model="text-embedding-005", contents=["refund of an order"])
    assert reply.embeddings[0].statistics.token_count == 5


def test_vertex_serves_anthropics_models_too(simulator):
    client = anthropic.AnthropicVertex(
        base_url=f"{simulator.base_urls['vertex']}/v1", access_token="test", project_id="p", region="europe-west1"
    )
    asked: Any = {"model": "claude-sonnet-4@20250514", "max_tokens": 500, "messages": TURNS}
    with client.messages.stream(**asked) as streamed:
        assert streamed.get_final_message().usage == client.messages.create(**asked).usage
