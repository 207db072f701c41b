"""mistralai: chat and its parse, FIM, agents, conversations, embeddings; plain, streamed, sync and async."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from spanledger import semconv

mistral = pytest.importorskip("mistralai.client")
from mistralai.client.utils import BackoffStrategy, RetryConfig  # noqa: E402
from mistralai.client.utils.eventstreaming import EventStream, EventStreamAsync  # noqa: E402

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT: Any = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "What colour is it?"}]}
AGENT: Any = {"agent_id": "ag_1", "messages": CHAT["messages"]}
FIM: Any = {"model": "codestral-latest", "prompt": "def f(", "suffix": "return 3"}
TALK: Any = {"model": "mistral-small-latest", "inputs": "What colour is it?"}
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 64},
}
KINDS = [
    pytest.param("chat", "complete", CHAT, id="chat"),
    pytest.param("agents", "complete", AGENT, id="agents"),
    pytest.param("fim", "complete", FIM, id="fim"),
    pytest.param("beta.conversations", "start", TALK, id="conversations"),
]
STREAMS = [
    pytest.param("chat", "stream", CHAT, id="chat"),
    pytest.param("agents", "stream", AGENT, id="agents"),
    pytest.param("fim", "stream", FIM, id="fim"),
    pytest.param("beta.conversations", "start_stream", TALK, id="conversations"),
]
AGAIN = RetryConfig("backoff", BackoffStrategy(1, 10, 1.0, 5000), retry_connection_errors=True)


def method(provider: Simulator, path: str, name: str, **options: Any) -> Any:
    made = mistral.Mistral(api_key="test", server_url=provider.base_urls["mistral"], **options)
    for part in path.split("."):
        made = getattr(made, part)
    return getattr(made, name)


def outcome(spans: Spans) -> tuple[str, str]:
    return spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]


@pytest.mark.parametrize(("path", "name", "request_"), KINDS)
def test_a_call_is_measured(provider: Simulator, spans: Spans, path: str, name: str, request_: Any) -> None:
    provider.script([{"usage": USAGE}])
    method(provider, path, name)(**request_)
    told = spans.one
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (100, 20)
    assert told[semconv.PROVIDER_NAME] == "mistral_ai"
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert told[semconv.HTTP_STATUS] == 200
    assert told[semconv.RATE_LIMIT_PREFIX + "requests.limit"] > 0
    assert told[semconv.OUTPUT_CHARS] > 0
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "name", "request_"), KINDS)
def test_an_async_call_is_measured(provider: Simulator, spans: Spans, path: str, name: str, request_: Any) -> None:
    asyncio.run(method(provider, path, f"{name}_async")(**request_))
    assert spans.one[semconv.HTTP_STATUS] == 200
    assert outcome(spans) == ("ok", "measured")


def test_cached_tokens_and_finish_reasons_are_told(provider: Simulator, spans: Spans) -> None:
    provider.script([{"usage": USAGE}])
    reply = method(provider, "chat", "complete")(**CHAT, max_tokens=500)
    told = spans.one
    assert told[semconv.USAGE_CACHE_READ] == 64
    assert told[semconv.RESPONSE_ID] == reply.id
    assert list(told[semconv.RESPONSE_FINISH_REASONS]) == ["stop"]
    assert told[semconv.REQUEST_MAX_TOKENS] == 500


@pytest.mark.parametrize(("path", "name", "request_"), STREAMS)
def test_a_stream_read_to_its_end_is_measured(
    provider: Simulator, spans: Spans, path: str, name: str, request_: Any
) -> None:
    stream = method(provider, path, name)(**request_)
    assert type(stream) is EventStream
    assert not spans.all
    assert len(list(stream)) > 1
    told = spans.one
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 1
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "name", "request_"), STREAMS)
def test_an_async_stream_read_to_its_end_is_measured(
    provider: Simulator, spans: Spans, path: str, name: str, request_: Any
) -> None:
    async def go() -> None:
        stream = await method(provider, path, f"{name}_async")(**request_)
        assert type(stream) is EventStreamAsync
        async for _ in stream:
            pass

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


def test_a_stream_closed_dropped_or_never_read_is_abandoned(provider: Simulator, spans: Spans) -> None:
    with method(provider, "chat", "stream")(**CHAT) as stream:
        next(iter(stream))
    assert spans.one[semconv.OUTCOME] == "abandoned"
    spans.clear()
    for _ in method(provider, "chat", "stream")(**CHAT):
        break
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "abandoned"
    spans.clear()
    method(provider, "chat", "stream")(**CHAT)
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "abandoned"


def test_a_dropped_connection_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's or httpx2's, by the version
        list(method(provider, "chat", "stream")(**CHAT))
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__
    assert spans.one[semconv.OUTCOME] == "error"


def test_a_cancelled_stream_is_cancelled(provider: Simulator, spans: Spans) -> None:
    provider.script([{"chunks": 400, "chunk_delay": 0.05}])

    async def go() -> None:
        async for _ in await method(provider, "chat", "stream_async")(**CHAT):
            pass

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(go(), 1.5))
    assert spans.one[semconv.OUTCOME] == "cancelled"


@pytest.mark.parametrize("name", ["complete", "stream"])
def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans, name: str) -> None:
    provider.script([{"status": 429, "headers": {"retry-after": "3"}}])
    with pytest.raises(mistral.errors.SDKError):
        method(provider, "chat", name)(**CHAT)
    assert (spans.one[semconv.ERROR_TYPE], spans.one[semconv.HTTP_STATUS]) == ("SDKError", 429)
    assert outcome(spans) == ("error", "absent")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_every_attempt_is_told(provider: Simulator, spans: Spans, *, asynchronous: bool) -> None:
    provider.script([{"status": 429, "headers": {"retry-after": "0.01"}}, {"status": 503}])
    if asynchronous:
        asyncio.run(method(provider, "chat", "complete_async", retry_config=AGAIN)(**CHAT))
    else:
        method(provider, "chat", "complete", retry_config=AGAIN)(**CHAT)
    told = spans.one
    assert told[semconv.ATTEMPT_STATUSES] == (429, 503, 200)
    assert told[semconv.ATTEMPT_RETRY_AFTERS][0] == 0.01
    assert told[semconv.ATTEMPT_WAITS][2] == 0 < told[semconv.ATTEMPT_WAITS][0]


def test_a_timeout_has_no_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"delay": 5}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's or httpx2's, by the version
        method(provider, "chat", "complete")(**CHAT, timeout_ms=200)
    told = spans.one
    assert told[semconv.ERROR_TYPE] == type(caught.value).__name__ == "ReadTimeout"
    assert told[semconv.REQUEST_TIMEOUT] == 0.2
    assert semconv.HTTP_STATUS not in told


class Bird(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_parse_is_one_call(provider: Simulator, spans: Spans, *, asynchronous: bool) -> None:
    provider.script([{"text": '{"name": "Tweety", "age": 3}'}])
    if asynchronous:
        reply = asyncio.run(method(provider, "chat", "parse_async")(Bird, **CHAT))
    else:
        reply = method(provider, "chat", "parse")(Bird, **CHAT)
    assert reply.choices[0].message.parsed.age == 3
    assert spans.one[semconv.VALIDATION_OUTCOME] == "ok"
    assert outcome(spans) == ("ok", "measured")


def test_paid_tokens_survive_a_failed_validation(provider: Simulator, spans: Spans) -> None:
    provider.script([{"text": '{"name": "Tweety", "age": "CANARY"}', "usage": USAGE}])
    with pytest.raises(ValidationError):
        method(provider, "chat", "parse")(Bird, **CHAT)
    told = spans.one
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.VALIDATION_OUTCOME]) == (100, "failed")
    assert list(told[semconv.VALIDATION_FIELDS]) == ["age"]
    assert "CANARY" not in spans.text()


def test_embeddings_and_a_conversation_continued_are_calls(provider: Simulator, spans: Spans) -> None:
    method(provider, "embeddings", "create")(model="mistral-embed", inputs=["one", "two"])
    assert spans.one[semconv.OPERATION_NAME] == "embeddings"
    spans.clear()
    talk = method(provider, "beta.conversations", "start")(**TALK).conversation_id
    method(provider, "beta.conversations", "append")(conversation_id=talk, inputs="and now?")
    assert [(span.attributes or {})[semconv.CONVERSATION_ID] for span in spans.all] == [talk, talk]
