"""boto3's bedrock-runtime: Converse and InvokeModel, plain and streamed; bodies stay the application's."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv

boto3 = pytest.importorskip("boto3")
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.eventstream import EventStream  # noqa: E402
from botocore.response import StreamingBody  # noqa: E402

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
CONVERSE: Any = {
    "modelId": MODEL,
    "messages": [{"role": "user", "content": [{"text": "What colour is it?"}]}],
    "inferenceConfig": {"maxTokens": 500},
}
BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 500}
INVOKE: Any = {
    "modelId": MODEL,
    "body": json.dumps({**BODY, "messages": [{"role": "user", "content": "What colour is it?"}]}),
}
USAGE = {"inputTokens": 10, "outputTokens": 20, "totalTokens": 70, "cacheReadInputTokens": 30}
USAGE |= {"cacheWriteInputTokens": 10}
STREAMS = [
    pytest.param("converse_stream", CONVERSE, "stream", id="converse"),
    pytest.param("invoke_model_with_response_stream", INVOKE, "body", id="invoke"),
]


def client(provider: Simulator, retries: int = 1, **options: Any) -> Any:
    config = Config(retries={"total_max_attempts": retries, "mode": "standard"}, **options)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("bedrock-runtime", endpoint_url=provider.base_urls["bedrock"], config=config, **keys)


def outcome(spans: Spans) -> tuple[str, str]:
    return spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]


def test_converse_adds_the_cached_parts_to_its_input(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    reply = client(provider).converse(**CONVERSE)
    told = spans.one
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (50, 20)
    assert (told[semconv.USAGE_CACHE_READ], told[semconv.USAGE_CACHE_WRITE]) == (30, 10)
    assert (told[semconv.PROVIDER_NAME], told[semconv.REQUEST_MODEL]) == ("aws.bedrock", MODEL)
    assert (told[semconv.SERVER_ADDRESS], told[semconv.HTTP_STATUS]) == ("127.0.0.1", 200)
    assert told[semconv.RESPONSE_ID] == reply["ResponseMetadata"]["RequestId"]
    assert told[semconv.OUTPUT_CHARS] == len(reply["output"]["message"]["content"][0]["text"])
    assert (told[semconv.REQUEST_MAX_TOKENS], told[semconv.INPUT_CHARS]) == (500, 18)
    assert outcome(spans) == ("ok", "measured")


def test_the_body_of_invoke_model_is_the_applications(provider: Simulator, spans: Spans) -> None:
    reply = client(provider).invoke_model(**INVOKE)
    told = spans.one
    assert type(reply["body"]) is StreamingBody
    usage = json.loads(reply["body"].read())["usage"]
    assert told[semconv.USAGE_OUTPUT_TOKENS] == usage["output_tokens"]
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("name", "request_", "place"), STREAMS)
def test_a_stream_read_to_its_end_is_measured(
    provider: Simulator, spans: Spans, name: str, request_: Any, place: str
) -> None:
    stream = getattr(client(provider), name)(**request_)[place]
    assert type(stream) is EventStream
    assert not spans.all
    assert len(list(stream)) > 1
    told = spans.one
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 1
    assert told[semconv.OUTPUT_CHARS] > 0
    assert list(told[semconv.RESPONSE_FINISH_REASONS]) == ["end_turn"]
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("name", "request_", "place"), STREAMS)
def test_a_stream_closed_dropped_or_never_read_is_abandoned(
    provider: Simulator, spans: Spans, name: str, request_: Any, place: str
) -> None:
    made = client(provider)
    stream = getattr(made, name)(**request_)[place]
    next(iter(stream))
    stream.close()
    assert spans.one[semconv.OUTCOME] == "abandoned"
    spans.clear()
    for _ in getattr(made, name)(**request_)[place]:
        break
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "abandoned"
    spans.clear()
    getattr(made, name)(**request_)
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "abandoned"


def test_an_error_told_within_a_stream_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"error_after_chunks": 2, "chunks": 10}])
    with pytest.raises(botocore.exceptions.EventStreamError):
        list(client(provider).converse_stream(**CONVERSE)["stream"])
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "error"


def test_a_dropped_connection_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - urllib3's own
        list(client(provider).converse_stream(**CONVERSE)["stream"])
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__


@pytest.mark.parametrize(
    ("name", "request_"), [("converse", CONVERSE), ("converse_stream", CONVERSE), ("invoke_model", INVOKE)]
)
def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans, name: str, request_: Any) -> None:
    provider.script([{"status": 400}])
    made = client(provider)
    with pytest.raises(made.exceptions.ValidationException):
        getattr(made, name)(**request_)
    assert (spans.one[semconv.ERROR_TYPE], spans.one[semconv.HTTP_STATUS]) == ("ValidationException", 400)
    assert outcome(spans) == ("error", "absent")


def test_every_attempt_is_told(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 429}, {"status": 503}])
    reply = client(provider, retries=3).converse(**CONVERSE)
    told = spans.one
    assert told[semconv.ATTEMPT_STATUSES] == (429, 503, 200)
    assert told[semconv.HTTP_RESEND_COUNT] == reply["ResponseMetadata"]["RetryAttempts"] == 2
    assert told[semconv.REQUEST_MAX_RETRIES] == 2


def test_a_call_that_gave_up_tells_its_last_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 503}] * 2)
    with pytest.raises(botocore.exceptions.ClientError):
        client(provider, retries=2).converse(**CONVERSE)
    assert spans.one[semconv.ATTEMPT_STATUSES] == (503, 503)
    assert spans.one[semconv.HTTP_STATUS] == 503


def test_a_timeout_has_no_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"delay": 5}])
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        client(provider, read_timeout=0.2).converse(**CONVERSE)
    told = spans.one
    assert told[semconv.ERROR_TYPE] == "ReadTimeoutError"
    assert told[semconv.REQUEST_TIMEOUT] == 0.2
    assert semconv.HTTP_STATUS not in told


def test_what_was_never_sent_and_what_is_no_model_call_is_no_span(provider: Simulator, spans: Spans) -> None:
    with pytest.raises(botocore.exceptions.ParamValidationError):
        client(provider).converse(modelId=MODEL, messages="no list")
    client(provider).count_tokens(modelId=MODEL, input={"converse": {"messages": CONVERSE["messages"]}})
    assert not spans.all


def test_an_embedding_model_is_told_apart(provider: Simulator, spans: Spans) -> None:
    client(provider).invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "one"}))
    assert spans.one[semconv.OPERATION_NAME] == "embeddings"
    assert outcome(spans) == ("ok", "measured")
