"""anthropic beyond messages: tool runs, clouds, batches, what nobody pays for, older completions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from tests.instrument.test_calls import MESSAGE, MESSAGES_USAGE, tokens

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

TOOL = {"name": "colour_of", "arguments": {"bird": "canary"}}
TURNS: Any = [{"usage": MESSAGES_USAGE, "tool": TOOL}, {"usage": MESSAGES_USAGE, "text": "Yellow."}]
RUN: Any = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": MESSAGE["messages"]}
BATCH: Any = [{"custom_id": "one", "params": MESSAGE}]


def told(spans: Spans) -> list[dict[str, Any]]:
    return [dict(span.attributes or {}) for span in spans.all]


def test_a_tool_run_is_as_many_calls_as_it_has_turns(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script(TURNS)

    @anthropic.beta_tool
    def colour_of(bird: str) -> str:
        """The colour of a bird."""
        return f"{bird}: yellow"

    runner: Any = clients.anthropic.beta.messages.tool_runner(**RUN, tools=[colour_of])
    assert len(list(runner)) == 2
    assert [tokens(each) for each in told(spans)] == [(1500, 150, 1024)] * 2
    assert [each[semconv.USAGE_GRADE] for each in told(spans)] == ["measured"] * 2


def test_an_async_streamed_tool_run_is_as_many_calls(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script(TURNS)

    @anthropic.beta_async_tool
    async def colour_of(bird: str) -> str:
        """The colour of a bird."""
        return f"{bird}: yellow"

    async def go() -> None:
        runner: Any = clients.anthropic_async.beta.messages.tool_runner(**RUN, tools=[colour_of], stream=True)
        async for stream in runner:
            async for _ in stream:
                pass

    asyncio.run(go())
    assert [each[semconv.USAGE_GRADE] for each in told(spans)] == ["measured"] * 2


def test_counting_tokens_is_no_call(clients: Clients, spans: Spans) -> None:
    asked: Any = {name: MESSAGE[name] for name in ("model", "messages")}
    assert clients.anthropic.messages.count_tokens(**asked).input_tokens > 0
    assert clients.anthropic.beta.messages.count_tokens(**asked).input_tokens > 0
    assert not spans.all


@pytest.mark.parametrize("beta", [False, True])
def test_a_batch_handed_in_is_no_bill(clients: Clients, spans: Spans, *, beta: bool) -> None:
    messages: Any = clients.anthropic.beta.messages if beta else clients.anthropic.messages
    batch = messages.batches.create(requests=BATCH)
    (call,) = told(spans)
    assert (call[semconv.OPERATION_NAME], call[semconv.RESPONSE_ID]) == ("create_batch", batch.id)
    assert call[semconv.USAGE_GRADE] == "absent"


def test_a_cloud_says_itself_whose_it_is(provider: Simulator, spans: Spans) -> None:
    foundry = anthropic.AnthropicFoundry(api_key="test", base_url=provider.url)
    foundry.messages.create(**MESSAGE)
    assert told(spans)[0][semconv.PROVIDER_NAME] == "azure.ai.inference"


def test_bedrock_through_anthropics_client_is_measured(provider: Simulator, spans: Spans) -> None:
    pytest.importorskip("boto3")
    bedrock = anthropic.AnthropicBedrock(
        aws_access_key="test", aws_secret_key="test", aws_region="eu-west-1", base_url=provider.base_urls["bedrock"]
    )
    provider.script([{"usage": MESSAGES_USAGE}])
    bedrock.messages.create(**{**MESSAGE, "model": "anthropic.claude-sonnet-4-20250514-v1:0"})
    (call,) = told(spans)
    assert (call[semconv.PROVIDER_NAME], tokens(call)) == ("aws.bedrock", (1500, 150, 1024))


@pytest.mark.parametrize("stream", [False, True])
def test_older_completions_tell_their_length(clients: Clients, spans: Spans, *, stream: bool) -> None:
    if not hasattr(clients.anthropic, "completions"):
        pytest.skip("this anthropic has none any more")
    create: Any = clients.anthropic.completions.create  # type: ignore[attr-defined, unused-ignore]
    reply = create(model="claude-2.1", max_tokens_to_sample=50, prompt="\n\nHuman: What colour?", stream=stream)
    text = "".join(event.completion for event in reply) if stream else reply.completion
    (call,) = told(spans)
    assert (call[semconv.OPERATION_NAME], call[semconv.OUTCOME]) == ("text_completion", "ok")
    assert (call[semconv.OUTPUT_CHARS], call[semconv.REQUEST_MAX_TOKENS]) == (len(text), 50)
    assert call[semconv.USAGE_GRADE] == "absent"


def vertex(provider: Simulator, *, asynchronous: bool = False) -> Any:
    kind: Any = anthropic.AsyncAnthropicVertex if asynchronous else anthropic.AnthropicVertex
    where = {"region": "europe-west1", "project_id": "canaries", "access_token": "test"}
    return kind(base_url=f"{provider.base_urls['vertex']}/v1", **where)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_vertex_through_anthropics_client_is_measured(
    provider: Simulator, spans: Spans, *, asynchronous: bool, stream: bool
) -> None:
    pytest.importorskip("google.auth")
    provider.script([{"usage": MESSAGES_USAGE}])
    create = vertex(provider, asynchronous=asynchronous).messages.create
    asked = {**MESSAGE, "model": "claude-sonnet-4-5@20250929", "stream": stream}

    async def go() -> None:
        reply = await create(**asked)
        if stream:
            assert [event async for event in reply][-1].type == "message_stop"

    if asynchronous:
        asyncio.run(go())
    else:
        reply = create(**asked)
        assert not stream or list(reply)[-1].type == "message_stop"
    (call,) = told(spans)
    assert (call[semconv.PROVIDER_NAME], tokens(call)) == ("gcp.vertex_ai", (1500, 150, 1024))
    assert (call[semconv.REQUEST_MODEL], call[semconv.OUTCOME]) == ("claude-sonnet-4-5@20250929", "ok")
    assert call[semconv.USAGE_GRADE] == "measured"
    assert "canaries" in provider.requests[-1].path


def test_vertex_helpers_parse_and_stream_are_one_call_each(provider: Simulator, spans: Spans) -> None:
    pytest.importorskip("google.auth")
    client = vertex(provider)
    with client.messages.stream(**MESSAGE) as stream:
        final = stream.get_final_message()
    client.beta.messages.create(**MESSAGE)
    with client.beta.messages.stream(**MESSAGE) as stream:
        stream.until_done()
    asyncio.run(vertex(provider, asynchronous=True).beta.messages.create(**MESSAGE))
    calls = told(spans)
    assert calls[0][semconv.USAGE_OUTPUT_TOKENS] == final.usage.output_tokens
    assert [(each[semconv.PROVIDER_NAME], each[semconv.OUTCOME]) for each in calls] == [("gcp.vertex_ai", "ok")] * 4


def test_beta_messages_of_bedrock_are_measured(provider: Simulator, spans: Spans) -> None:
    pytest.importorskip("boto3")
    cloud: Any = {"aws_access_key": "test", "aws_secret_key": "test", "aws_region": "eu-west-1"}
    bedrock = anthropic.AnthropicBedrock(**cloud, base_url=provider.base_urls["bedrock"])
    bedrock.beta.messages.create(**{**MESSAGE, "model": "anthropic.claude-sonnet-4-20250514-v1:0"})
    (call,) = told(spans)
    assert (call[semconv.PROVIDER_NAME], call[semconv.USAGE_GRADE]) == ("aws.bedrock", "measured")
