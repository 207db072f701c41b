"""Tags reach the calls made inside, and no others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT

import spanledger
from spanledger import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_a_generator_function_is_refused_with_the_remedy() -> None:
    def pieces() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"pieces is a generator function.*Use `with spanledger.tag"):
        spanledger.tag(feature="x")(pieces)


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
