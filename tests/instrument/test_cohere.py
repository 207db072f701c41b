"""cohere, versions 1 and 2 of its API: plain and raw replies, generators, attempts, billed units."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv

cohere = pytest.importorskip("cohere")

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

MODEL = "command-r-plus-08-2024"
V1: Any = {"model": MODEL, "message": "What colour is it?"}
V2: Any = {"model": MODEL, "messages": [{"role": "user", "content": "What colour is it?"}]}
GENERATE: Any = {"model": MODEL, "prompt": "What colour is it?"}
CASES = [
    pytest.param("Client", "chat", V1, id="v1-chat"),
    pytest.param("ClientV2", "chat", V2, id="v2-chat"),
]
STREAMS = [
    pytest.param("Client", "chat_stream", V1, id="v1-chat"),
    pytest.param("ClientV2", "chat_stream", V2, id="v2-chat"),
]


def client(provider: Simulator, kind: str, **options: Any) -> Any:
    return getattr(cohere, kind)("test", base_url=provider.base_urls["cohere"], **options)


def outcome(spans: Spans) -> tuple[str, str]:
    return spans.one[semconv.OUTCOME], spans.one[semconv.USAGE_GRADE]


@pytest.mark.parametrize(("kind", "name", "request_"), [*CASES, pytest.param("Client", "generate", GENERATE, id="gen")])
def test_a_call_is_measured(provider: Simulator, spans: Spans, kind: str, name: str, request_: Any) -> None:
    reply = getattr(client(provider, kind), name)(**request_, max_tokens=500)
    told = spans.one
    usage = getattr(reply, "usage", None) or reply.meta
    if usage.tokens is not None:
        assert told[semconv.USAGE_INPUT_TOKENS] == usage.tokens.input_tokens
        assert told[semconv.BILLED_PREFIX + "input_tokens"] == usage.billed_units.input_tokens
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 1
    assert (told[semconv.PROVIDER_NAME], told[semconv.REQUEST_MAX_TOKENS]) == ("cohere", 500)
    assert (told[semconv.SERVER_ADDRESS], told[semconv.HTTP_STATUS]) == ("127.0.0.1", 200)
    assert told[semconv.OUTPUT_CHARS] > 0
    assert list(told[semconv.RESPONSE_FINISH_REASONS]) == ["COMPLETE"]
    assert outcome(spans) == ("ok", "measured")
    assert told[semconv.CODE_FILE] == __file__


@pytest.mark.parametrize(("kind", "name", "request_"), CASES)
def test_an_async_call_is_measured(provider: Simulator, spans: Spans, kind: str, name: str, request_: Any) -> None:
    asyncio.run(getattr(client(provider, f"Async{kind}"), name)(**request_))
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize("kind", ["Client", "ClientV2"])
def test_a_raw_response_is_one_call(provider: Simulator, spans: Spans, kind: str) -> None:
    raw = client(provider, kind).with_raw_response.chat(**(V1 if kind == "Client" else V2))
    assert raw.data.finish_reason == "COMPLETE"
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("kind", "name", "request_"), STREAMS)
def test_a_stream_is_a_generator_that_sends_when_read(
    provider: Simulator, spans: Spans, kind: str, name: str, request_: Any
) -> None:
    stream = getattr(client(provider, kind), name)(**request_)
    assert inspect.isgenerator(stream)
    assert not provider.requests
    assert len(list(stream)) > 1
    told = spans.one
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 1
    assert told[semconv.OUTPUT_CHARS] > 0
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("kind", "name", "request_"), STREAMS)
def test_an_async_stream_is_an_async_generator(
    provider: Simulator, spans: Spans, kind: str, name: str, request_: Any
) -> None:
    async def go() -> None:
        stream = getattr(client(provider, f"Async{kind}"), name)(**request_)
        assert inspect.isasyncgen(stream)
        assert not provider.requests
        async for _ in stream:
            pass

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


def test_generate_streams_no_usage_and_owns_up(provider: Simulator, spans: Spans) -> None:
    pieces = list(client(provider, "Client").generate_stream(**GENERATE))
    text = "".join(piece.text for piece in pieces if piece.event_type == "text-generation")
    assert spans.one[semconv.OUTPUT_CHARS] == len(text) > 0
    assert outcome(spans) == ("ok", "absent")


def test_a_stream_never_read_is_no_call_and_one_left_is_abandoned(provider: Simulator, spans: Spans) -> None:
    made = client(provider, "ClientV2")
    made.chat_stream(**V2)
    gc.collect()
    assert not spans.all
    for _ in made.chat_stream(**V2):
        break
    gc.collect()
    assert outcome(spans) == ("abandoned", "absent")


def test_a_dropped_connection_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's own
        list(client(provider, "ClientV2").chat_stream(**V2))
    assert spans.one[semconv.ERROR_TYPE] == type(caught.value).__name__


def test_a_cancelled_stream_is_cancelled(provider: Simulator, spans: Spans) -> None:
    provider.script([{"chunks": 400, "chunk_delay": 0.05}])

    async def go() -> None:
        async for _ in client(provider, "AsyncClientV2").chat_stream(**V2):
            pass

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(go(), 1.5))
    assert spans.one[semconv.OUTCOME] == "cancelled"


@pytest.mark.parametrize(("kind", "name", "request_"), [*CASES, *STREAMS])
def test_a_provider_error_is_the_sdks(provider: Simulator, spans: Spans, kind: str, name: str, request_: Any) -> None:
    provider.script([{"status": 400}])
    with pytest.raises(cohere.errors.BadRequestError):
        list(getattr(client(provider, kind), name)(**request_))
    assert (spans.one[semconv.ERROR_TYPE], spans.one[semconv.HTTP_STATUS]) == ("BadRequestError", 400)
    assert outcome(spans) == ("error", "absent")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_every_attempt_is_told(provider: Simulator, spans: Spans, *, asynchronous: bool) -> None:
    provider.script(
        [{"status": 429, "headers": {"retry-after": "1"}}, {"status": 503, "headers": {"retry-after": "1"}}]
    )
    if asynchronous:
        asyncio.run(client(provider, "AsyncClientV2").chat(**V2))
    else:
        client(provider, "ClientV2").chat(**V2)
    told = spans.one
    assert told[semconv.ATTEMPT_STATUSES] == (429, 503, 200)
    assert told[semconv.ATTEMPT_RETRY_AFTERS] == (1.0, 1.0, -1.0)
    assert told[semconv.ATTEMPT_WAITS][2] == 0
    assert told[semconv.ATTEMPT_WAITS][0] > 0.9
    assert told[semconv.REQUEST_MAX_RETRIES] == 2


def test_a_timeout_has_no_status(provider: Simulator, spans: Spans) -> None:
    provider.script([{"delay": 5}])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - httpx's own
        client(provider, "ClientV2").chat(**V2, request_options={"timeout_in_seconds": 1, "max_retries": 0})
    told = spans.one
    assert told[semconv.ERROR_TYPE] == type(caught.value).__name__ == "ReadTimeout"
    assert told[semconv.REQUEST_TIMEOUT] == 1
    assert semconv.HTTP_STATUS not in told


def test_embeddings_and_reranking_are_calls(provider: Simulator, spans: Spans) -> None:
    made = client(provider, "ClientV2")
    made.embed(model="embed-v4.0", texts=["one", "two"], input_type="search_query", embedding_types=["float"])
    assert spans.one[semconv.OPERATION_NAME] == "embeddings"
    assert spans.one[semconv.USAGE_INPUT_TOKENS] > 0
    spans.clear()
    made.rerank(model="rerank-v3.5", query="which?", documents=["one", "two"])
    assert spans.one[semconv.BILLED_PREFIX + "search_units"] == 1


def test_a_batched_embed_is_a_call_for_every_batch(provider: Simulator, spans: Spans) -> None:
    client(provider, "Client").embed(model="embed-v4.0", texts=["word"] * 200, input_type="search_query")
    assert len(spans.all) == len(provider.requests) == 3


@pytest.mark.parametrize("kind", ["Client", "ClientV2"])
def test_a_raw_stream_is_recorded_from_its_entering_to_its_leaving(
    provider: Simulator, spans: Spans, kind: str
) -> None:
    manager = client(provider, kind).with_raw_response.chat_stream(**(V1 if kind == "Client" else V2))
    assert not provider.requests
    with manager as response:
        next(response.data)
        assert not spans.all
    assert outcome(spans) == ("abandoned", "absent")


def test_a_raw_stream_that_is_refused_is_an_error(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 400}])

    async def go() -> None:
        async with client(provider, "AsyncClientV2").with_raw_response.chat_stream(**V2):
            pass

    with pytest.raises(cohere.errors.BadRequestError):
        asyncio.run(go())
    assert outcome(spans) == ("error", "absent")
