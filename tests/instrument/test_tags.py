"""Tags reach the calls made inside, and no others."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from tests.instrument.test_calls import CHAT

import spanledger
from spanledger import _tags, semconv

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.provider import Clients
    from tests.support.spans import Spans


def told(spans: Spans, *names: str) -> list[tuple[Any, ...]]:
    return [tuple((span.attributes or {}).get(semconv.TAG_PREFIX + name) for name in names) for span in spans.all]


def test_inner_tags_win_and_end_with_their_block(clients: Clients, spans: Spans) -> None:
    call = clients.openai.chat.completions.create
    with spanledger.tag(feature="search", team="core"):
        with spanledger.tag(feature="rerank"):
            call(**CHAT)
        call(**CHAT)
    call(**CHAT)
    assert told(spans, "feature", "team") == [("rerank", "core"), ("search", "core"), (None, None)]


def test_a_decorated_function_tags_its_calls(clients: Clients, spans: Spans) -> None:
    @spanledger.tag(feature="sync")
    def ask() -> None:
        clients.openai.chat.completions.create(**CHAT)

    @spanledger.tag(feature="async")
    async def ask_async(times: int) -> None:
        for _ in range(times):
            await clients.openai_async.chat.completions.create(**CHAT)

    async def both() -> None:
        await asyncio.gather(ask_async(1), ask_async(1))

    ask()
    asyncio.run(both())
    clients.openai.chat.completions.create(**CHAT)
    assert told(spans, "feature") == [("sync",), ("async",), ("async",), (None,)]


def test_a_decorated_generator_tags_its_own_calls_and_not_its_readers(clients: Clients, spans: Spans) -> None:
    call = clients.openai.chat.completions.create

    @spanledger.tag(feature="inside")
    def pieces() -> Iterator[Any]:
        call(**CHAT)
        got = yield 1
        with pytest.raises(KeyError):
            yield got
        call(**CHAT)
        return "end"

    reading = pieces()
    assert next(reading) == 1
    call(**CHAT)
    assert reading.send("sent") == "sent"
    with pytest.raises(StopIteration) as ended:
        reading.throw(KeyError("thrown"))
    assert ended.value.value == "end"
    assert told(spans, "feature") == [("inside",), (None,), ("inside",)]


def test_a_decorated_async_generator_tags_its_own_calls(clients: Clients, spans: Spans) -> None:
    closed = []

    @spanledger.tag(feature="inside")
    async def pieces() -> AsyncIterator[int]:
        try:
            for number in range(3):
                await clients.openai_async.chat.completions.create(**CHAT)
                yield number
        finally:
            closed.append(True)

    async def go() -> None:
        reading = pieces()
        async for number in reading:
            await clients.openai_async.chat.completions.create(**CHAT)
            if number == 1:
                break
        await reading.aclose()  # type: ignore[attr-defined]

    asyncio.run(go())
    assert told(spans, "feature") == [("inside",), (None,)] * 2
    assert closed == [True]


def test_tags_go_along_into_threads_and_pools_and_do_not_stay_there(clients: Clients, spans: Spans) -> None:
    def ask(model: str) -> None:
        clients.openai.chat.completions.create(**CHAT | {"model": model})

    async def in_loop() -> None:
        await asyncio.to_thread(ask, "to_thread")
        await asyncio.get_running_loop().run_in_executor(None, ask, "executor")

    with ThreadPoolExecutor(1) as pool:
        with spanledger.tag(feature="inside"):
            pool.submit(ask, "pool").result()
            thread = threading.Thread(target=ask, args=("thread",))
            thread.start()
            asyncio.run(in_loop())
        thread.join()
        pool.submit(ask, "after").result()
        with spanledger.ignore():
            pool.submit(ask, "ignored").result()
    models = [(span.attributes or {})["gen_ai.request.model"] for span in spans.all]
    assert sorted(zip(models, told(spans, "feature"), strict=True)) == [
        ("after", (None,)),
        ("executor", ("inside",)),
        ("pool", ("inside",)),
        ("thread", ("inside",)),
        ("to_thread", ("inside",)),
    ]


def test_a_generator_that_goes_on_in_another_context_is_not_disturbed() -> None:
    def pieces() -> Iterator[int]:
        with spanledger.tag(feature="inside"):
            yield 1
            yield 2

    reading = pieces()
    assert [copy_context().run(next, reading) for _ in range(2)] == [1, 2]
    with spanledger.tag(feature="another"):
        assert list(reading) == []
        assert _tags.here() == {semconv.TAG_PREFIX + "feature": "another"}
    assert _tags.here() is _tags.NOTHING


@pytest.mark.parametrize("given", ["none", "in", "out", "in,out"])
def test_baggage_carries_tags_only_when_asked(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    inward, outward = "in" in given, "out" in given
    monkeypatch.setenv("SPANLEDGER_BAGGAGE", given)
    spanledger.instrument(tracer_provider=spans.provider)
    key = semconv.TAG_PREFIX + "feature"
    with spanledger.tag(feature="search"):
        headers: dict[str, str] = {}
        W3CBaggagePropagator().inject(headers)
    assert headers == ({"baggage": f"{key}=search"} if outward else {})
    assert not baggage.get_all()
    token = context.attach(W3CBaggagePropagator().extract({"baggage": f"{key}=caller,other=1"}))
    clients.openai.chat.completions.create(**CHAT)
    with spanledger.tag(feature="mine"):
        clients.openai.chat.completions.create(**CHAT)
    context.detach(token)
    assert told(spans, "feature") == [("caller" if inward else None,), ("mine",)]
    assert "other" not in spans.text()


def test_conversation_and_prompt_have_names_of_their_own(clients: Clients, spans: Spans) -> None:
    with spanledger.tag(conversation="c1", prompt_name="greet", prompt_version=3):
        clients.openai.chat.completions.create(**CHAT)
    found = spans.one
    assert (found[semconv.CONVERSATION_ID], found[semconv.PROMPT_NAME], found[semconv.PROMPT_VERSION]) == (
        "c1",
        "greet",
        "3",
    )


def test_tags_of_the_environment_are_on_every_call(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANLEDGER_TAGS", "team=core, env = live")
    spanledger.instrument(tracer_provider=spans.provider)
    with spanledger.tag(team="search"):
        clients.openai.chat.completions.create(**CHAT)
    clients.openai.chat.completions.create(**CHAT)
    assert told(spans, "team", "env") == [("search", "live"), ("core", "live")]
    monkeypatch.delenv("SPANLEDGER_TAGS")
    spanledger.instrument(tracer_provider=spans.provider)
