"""A stream is finished once, whichever way it ends, and stays what the SDK made."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from tests.instrument.test_calls import CHAT, MESSAGE, RESPONSE, method
from tests.support.provider import ANTHROPIC_MAJOR

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

WITH_USAGE = CHAT | {"stream_options": {"include_usage": True}}
STREAMS = [
    pytest.param("chat.completions", WITH_USAGE, openai.Stream, openai.AsyncStream, id="openai-chat"),
    pytest.param("responses", RESPONSE, openai.Stream, openai.AsyncStream, id="openai-responses"),
    pytest.param("messages", MESSAGE, anthropic.Stream, anthropic.AsyncStream, id="anthropic-messages"),
    pytest.param("beta.messages", MESSAGE, anthropic.Stream, anthropic.AsyncStream, id="anthropic-beta"),
]


def outcome(spans: Spans) -> tuple[str, str]:
    told = spans.one
    return told[semconv.OUTCOME], told[semconv.USAGE_GRADE]


@pytest.mark.parametrize(("path", "request_", "kind", "_async_kind"), STREAMS)
def test_a_stream_read_to_its_end_is_measured(
    clients: Clients, spans: Spans, path: str, request_: Any, kind: type, _async_kind: type
) -> None:
    stream = method(clients, path, "create")(**request_, stream=True)
    assert type(stream) is kind
    pieces = list(stream)
    assert len(pieces) > 1
    told = spans.one
    assert outcome(spans) == ("ok", "measured")
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 1
    assert told[semconv.REQUEST_STREAM] is True
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


@pytest.mark.parametrize(("path", "request_", "_kind", "async_kind"), STREAMS)
def test_an_async_stream_read_to_its_end_is_measured(
    clients: Clients, spans: Spans, path: str, request_: Any, _kind: type, async_kind: type
) -> None:
    async def go() -> None:
        stream = await method(clients, path, "create", asynchronous=True)(**request_, stream=True)
        assert type(stream) is async_kind
        async for _ in stream:
            pass

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize("path", ["messages", "beta.messages"])
def test_anthropics_stream_helper_is_one_call(clients: Clients, spans: Spans, path: str) -> None:
    with method(clients, path, "stream")(**MESSAGE) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    told = spans.one
    assert outcome(spans) == ("ok", "measured")
    assert told[semconv.OUTPUT_CHARS] == len(text)
    assert told[semconv.USAGE_OUTPUT_TOKENS] == final.usage.output_tokens


@pytest.mark.parametrize("path", ["messages", "beta.messages"])
def test_anthropics_async_stream_helper_is_one_call(clients: Clients, spans: Spans, path: str) -> None:
    async def go() -> None:
        async with method(clients, path, "stream", asynchronous=True)(**MESSAGE) as stream:
            await stream.get_final_message()

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "request_"), [("chat.completions", WITH_USAGE), ("responses", RESPONSE)])
def test_openais_stream_helpers_are_one_call(clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    async def go() -> None:
        async with method(clients, path, "stream", asynchronous=True)(**request_) as stream:
            async for _ in stream:
                pass

    with method(clients, path, "stream")(**request_) as stream:
        list(stream)
    assert outcome(spans) == ("ok", "measured")
    spans.clear()
    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


def test_a_manager_never_entered_is_no_call(provider: Simulator, clients: Clients, spans: Spans) -> None:
    clients.anthropic.messages.stream(**MESSAGE)
    gc.collect()
    assert not provider.requests
    assert not spans.all


def test_a_stream_without_usage_counts_characters_and_owns_up(clients: Clients, spans: Spans) -> None:
    text = "".join(
        piece.choices[0].delta.content or "" for piece in clients.openai.chat.completions.create(**CHAT, stream=True)
    )
    assert outcome(spans) == ("ok", "absent")
    assert spans.one[semconv.OUTPUT_CHARS] == len(text)


def test_leaving_a_with_block_early_is_abandoned_at_once(clients: Clients, spans: Spans) -> None:
    with clients.openai.chat.completions.create(**WITH_USAGE, stream=True) as stream:
        next(iter(stream))
    assert outcome(spans) == ("abandoned", "absent")


@pytest.mark.parametrize(("path", "request_", "_kind", "_async_kind"), STREAMS)
def test_a_stream_dropped_after_break_is_abandoned(
    clients: Clients, spans: Spans, path: str, request_: Any, _kind: type, _async_kind: type
) -> None:
    def read_one() -> None:
        for _ in method(clients, path, "create")(**request_, stream=True):
            break

    read_one()
    gc.collect()
    assert spans.one[semconv.OUTCOME] == "abandoned"


def test_a_stream_never_read_is_abandoned(clients: Clients, spans: Spans) -> None:
    clients.openai.chat.completions.create(**WITH_USAGE, stream=True)
    gc.collect()
    assert outcome(spans) == ("abandoned", "absent")


def test_input_tokens_survive_an_abandoned_message(clients: Clients, spans: Spans) -> None:
    with clients.anthropic.messages.stream(**MESSAGE) as stream:
        next(iter(stream))
    assert outcome(spans) == ("abandoned", "partial")
    assert spans.one[semconv.USAGE_INPUT_TOKENS] > 0


def test_closing_after_the_last_word_is_ok(clients: Clients, spans: Spans) -> None:
    stream = clients.anthropic.messages.create(**MESSAGE, stream=True)
    for event in stream:
        if event.type == "message_stop":
            stream.close()
            break
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "request_", "_kind", "_async_kind"), STREAMS)
def test_a_connection_dropped_midway_is_an_error_with_the_sdks_own_exception(
    provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any, _kind: type, _async_kind: type
) -> None:
    provider.script([{"drop_after_chunks": 2, "chunks": 10}])
    stream = method(clients, path, "create")(**request_, stream=True)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each SDK version raises its own
        list(stream)
    told = spans.one
    assert told[semconv.OUTCOME] == "error"
    assert told[semconv.ERROR_TYPE] == type(caught.value).__name__
    assert told[semconv.USAGE_GRADE] in ("partial", "absent")


def test_a_cancelled_stream_is_cancelled(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"chunks": 50, "chunk_delay": 0.05}])

    async def read(started: asyncio.Event) -> None:
        async for _ in await clients.anthropic_async.messages.create(**MESSAGE, stream=True):
            started.set()

    async def go() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(read(started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert outcome(spans) == ("cancelled", "partial")


def test_next_works_as_well_as_for(clients: Clients, spans: Spans) -> None:
    stream = clients.openai.chat.completions.create(**WITH_USAGE, stream=True)
    while next(stream, None) is not None:
        pass
    assert outcome(spans) == ("ok", "measured")


def test_nothing_is_sent_or_read_before_the_application_reads(
    provider: Simulator, clients: Clients, spans: Spans
) -> None:
    stream = clients.openai.chat.completions.create(**WITH_USAGE, stream=True)
    assert not stream.response.is_stream_consumed
    assert not spans.all
    stream.close()


@pytest.mark.skipif(ANTHROPIC_MAJOR < 2, reason="a stream of older versions is a cycle by itself")
def test_a_stream_dropped_unread_ends_its_call_at_once(clients: Clients, spans: Spans) -> None:
    gc.disable()
    try:
        clients.anthropic.messages.create(**MESSAGE, stream=True)
        assert outcome(spans) == ("abandoned", "absent")
    finally:
        gc.enable()


def test_a_response_dropped_unread_is_held_by_nobody(clients: Clients, spans: Spans) -> None:
    raw = clients.openai.chat.completions.with_raw_response.create(**CHAT, stream=True)
    body = weakref.ref(raw.http_response.stream)
    del raw
    gc.collect()
    assert body() is None
    assert outcome(spans) == ("abandoned", "absent")
