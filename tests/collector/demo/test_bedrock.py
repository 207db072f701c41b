"""The installed boto3 works against the simulator's Bedrock runtime, and so does anthropic's own Bedrock client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import pytest

boto3 = pytest.importorskip("boto3")
from botocore.config import Config  # noqa: E402 - only where it is installed
from botocore.exceptions import ClientError, EventStreamError  # noqa: E402

pytestmark = pytest.mark.sdk
MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
QUESTION: Any = [{"role": "user", "content": [{"text": "Where is order 1042?"}]}]
POLICY = [{"text": "Follow the policy. " * 300}, {"cachePoint": {"type": "default"}}]
SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "find_order", "inputSchema": {"json": SCHEMA}}}]}
BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]}
COUNTED = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
USAGE = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 112, "cacheReadInputTokens": 100}


def runtime(simulator, attempts=1):
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=simulator.base_urls["bedrock"],
        aws_access_key_id="AKTEST",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@pytest.fixture
def client(simulator):
    return runtime(simulator)


def converse(client, **changes):
    return client.converse(**{"modelId": MODEL, "messages": QUESTION, **changes})


def stream(client, **changes):
    return list(client.converse_stream(**{"modelId": MODEL, "messages": QUESTION, **changes})["stream"])


def told(events, *path):
    for name in path:
        events = [each[name] for each in events if name in each]
    return events


def test_a_reply_has_text_and_usage(client, simulator):
    reply = converse(client)
    usage = reply["usage"]
    assert (reply["stopReason"], usage["cacheReadInputTokens"]) == ("end_turn", 0)
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert reply["output"]["message"]["content"][0]["text"]
    assert simulator.requests[0].path == f"/bedrock/model/{MODEL}/converse"


def test_a_stream_ends_with_its_usage(client):
    events, plain = stream(client), converse(client)
    text = "".join(told(events, "contentBlockDelta", "delta", "text"))
    assert text == plain["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"] == plain["usage"]


def test_a_tool_is_used_once_and_then_answered_in_words(client):
    message = converse(client, toolConfig=TOOLS)["output"]["message"]
    use = message["content"][0]["toolUse"]
    pieces = "".join(told(stream(client, toolConfig=TOOLS), "contentBlockDelta", "delta", "toolUse", "input"))
    assert (use["name"], use["input"]) == ("find_order", json.loads(pieces))
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "sent"}]}}
    turns = [*QUESTION, message, {"role": "user", "content": [result]}]
    assert "text" in converse(client, toolConfig=TOOLS, messages=turns)["output"]["message"]["content"][0]


@pytest.mark.parametrize("model", [MODEL, "amazon.nova-pro-v1:0"])
def test_a_cache_point_is_written_once_and_then_read(client, model):
    first = converse(client, modelId=model, system=POLICY)["usage"]
    second = stream(client, modelId=model, system=POLICY)[-1]["metadata"]["usage"]
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 1024
    for usage in (first, second):
        assert usage["totalTokens"] == sum(usage.get(name, 0) for name in COUNTED)


def test_usage_is_taken_from_the_script(client, simulator):
    simulator.script([{"usage": USAGE}] * 2)
    assert converse(client)["usage"] == stream(client)[-1]["metadata"]["usage"] == USAGE


def test_an_invoked_model_answers_in_its_own_body_and_counts_in_headers(client):
    reply = client.invoke_model(modelId=MODEL, body=json.dumps(BODY))
    body = json.loads(reply["body"].read())
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert body["model"] == "claude-sonnet-4-20250514"
    assert headers["x-amzn-bedrock-input-token-count"] == str(body["usage"]["input_tokens"])
    assert headers["x-amzn-bedrock-output-token-count"] == str(body["usage"]["output_tokens"])


def test_an_invoked_stream_ends_with_bedrocks_metrics(client):
    reply = client.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(BODY))
    events = [json.loads(each["chunk"]["bytes"]) for each in reply["body"]]
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    assert metrics["outputTokenCount"] == events[-2]["usage"]["output_tokens"] > 0


def test_titan_embeds(client):
    reply = client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "refund"}))
    body = json.loads(reply["body"].read())
    assert (len(body["embedding"]), body["inputTextTokenCount"]) == (1024, 2)


def test_throttling_is_the_services_own_exception(client, simulator):
    simulator.script([{"status": 429}])
    with pytest.raises(client.exceptions.ThrottlingException) as raised:
        converse(client)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_retry_is_counted(simulator):
    simulator.script([{"status": 503}])
    reply = converse(runtime(simulator, attempts=3))
    assert (reply["ResponseMetadata"]["RetryAttempts"], len(simulator.requests)) == (1, 2)


def test_a_stream_can_fail_in_the_middle(client, simulator):
    simulator.script([{"error_after_chunks": 1}])
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        stream(client)


def test_a_dropped_stream_breaks_in_the_callers_hands(client, simulator):
    simulator.script([{"chunks": 6, "drop_after_chunks": 2}])
    seen: list[Any] = []
    with pytest.raises(Exception, match=r"[Cc]onnection broken|incomplete|prematurely"):
        seen.extend(client.converse_stream(modelId=MODEL, messages=QUESTION)["stream"])
    assert len(seen) == 3


def test_a_refused_request_says_why(client):
    with pytest.raises(ClientError, match="Malformed input request"):
        client.invoke_model(modelId="meta.llama3-1-8b-instruct-v1:0", body=json.dumps({"prompt": "Hi"}))


def claude(simulator, kind):
    return getattr(anthropic, kind)(
        base_url=simulator.base_urls["bedrock"],
        aws_access_key="AKTEST",
        aws_secret_key="secret",
        aws_region="us-east-1",
        max_retries=0,
    )


def test_anthropics_client_reads_the_same_replies(simulator):
    client = claude(simulator, "AnthropicBedrock")
    asked: Any = {"model": MODEL, "max_tokens": 500, "messages": BODY["messages"]}
    plain = client.messages.create(**asked)
    with client.messages.stream(**asked) as streamed:
        assert streamed.get_final_message().usage.output_tokens == plain.usage.output_tokens > 0


def test_anthropics_async_client_reads_them_too(simulator):
    async def ask():
        client = claude(simulator, "AsyncAnthropicBedrock")
        asked: Any = {"model": MODEL, "max_tokens": 500, "messages": BODY["messages"]}
        return await client.messages.create(**asked)

    assert asyncio.run(ask()).content[0].text
