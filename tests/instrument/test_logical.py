"""Retries above the SDK and fallbacks to another model are told apart from new calls."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
import tenacity
from pydantic import BaseModel, ValidationError
from tests.instrument.test_calls import CHAT, MESSAGE

import spanledger
from spanledger import _logical, semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

REFUSED = {"status": 400}


@contextmanager
def parent(spans: Spans) -> Iterator[None]:
    with spans.provider.get_tracer("app").start_as_current_span("request"):
        yield


def told(spans: Spans) -> list[tuple[Any, ...]]:
    """(which logical call, ordinal, fallback from) of each call in the order they were made."""
    calls = sorted(
        (s for s in spans.all if semconv.LOGICAL_ID in (s.attributes or {})), key=lambda s: s.start_time or 0
    )
    ids: dict[Any, int] = {}
    return [
        (
            ids.setdefault((call.attributes or {})[semconv.LOGICAL_ID], len(ids)),
            (call.attributes or {})[semconv.LOGICAL_ORDINAL],
            (call.attributes or {}).get(semconv.FALLBACK_FROM),
        )
        for call in calls
    ]


def test_an_own_loop_is_one_logical_call(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([REFUSED, REFUSED])
    with parent(spans):
        for _ in range(3):
            with suppress(openai.BadRequestError):
                clients.openai.chat.completions.create(**CHAT)
        clients.openai.chat.completions.create(**CHAT)
    assert told(spans) == [(0, 1, None), (0, 2, None), (0, 3, None), (1, 1, None)]
    first = min(spans.all, key=lambda s: s.start_time or 0 if s.name.startswith("chat") else 2**63)
    assert first.context is not None
    assert (first.attributes or {})[semconv.LOGICAL_ID] == f"{first.context.span_id:016x}"


def test_tenacity_without_a_parent(provider: Simulator, clients: Clients, spans: Spans) -> None:
    @tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_none())
    async def ask() -> None:
        await clients.openai_async.chat.completions.create(**CHAT)

    provider.script([REFUSED, REFUSED])
    asyncio.run(ask())
    assert told(spans) == [(0, 1, None), (0, 2, None), (0, 3, None)]


def test_a_new_task_per_attempt_is_known_by_its_parent(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def ask() -> None:
        for _ in range(2):
            task = asyncio.create_task(clients.openai_async.chat.completions.create(**CHAT))
            await asyncio.gather(task, return_exceptions=True)

    provider.script([REFUSED])
    with parent(spans):
        asyncio.run(ask())
    assert told(spans) == [(0, 1, None), (0, 2, None)]


def test_another_model_after_a_failure_is_a_fallback(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([REFUSED])
    with parent(spans):
        with pytest.raises(openai.BadRequestError):
            clients.openai.chat.completions.create(**CHAT)
        clients.anthropic.messages.create(**MESSAGE)
    assert told(spans) == [(0, 1, None), (0, 2, "gpt-4.1")]


def test_other_parents_messages_and_settings_are_new_calls(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([REFUSED])
    with parent(spans), pytest.raises(openai.BadRequestError):
        clients.openai.chat.completions.create(**CHAT)
    with parent(spans):
        clients.openai.chat.completions.create(**CHAT)
    provider.script([REFUSED])
    with parent(spans):
        with pytest.raises(openai.BadRequestError):
            clients.openai.chat.completions.create(**CHAT)
        clients.openai.chat.completions.create(**CHAT, temperature=0.5)
        clients.openai.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Another"}])
    assert [ordinal for _, ordinal, _ in told(spans)] == [1] * 5


def test_what_began_before_the_failure_is_no_repeat(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def both() -> None:
        ask = clients.openai_async.chat.completions.create
        await asyncio.gather(ask(**CHAT), ask(**CHAT), return_exceptions=True)

    provider.script([REFUSED, {}])
    with parent(spans):
        asyncio.run(both())
    assert [ordinal for _, ordinal, _ in told(spans)] == [1, 1]


class Colour(BaseModel):
    name: str


def test_a_reply_found_invalid_makes_the_next_one_a_repeat(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"text": "{}"}, {"text": json.dumps({"name": "red"})}])
    with parent(spans):
        for _ in range(2):
            reply = clients.openai.chat.completions.create(**CHAT).choices[0].message.content or ""
            try:
                Colour.model_validate_json(reply)
            except ValidationError:
                assert spans.all  # what the library noted of it is noted now
        spanledger.validation("brightness", ok=False)
        clients.openai.chat.completions.create(**CHAT)
        spanledger.fallback("claude")
        clients.anthropic.messages.create(**MESSAGE)
    assert told(spans) == [(0, 1, None), (0, 2, None), (0, 3, None), (0, 4, "gpt-4.1")]


def test_what_waits_for_its_repeat_is_bounded(provider: Simulator, clients: Clients, spans: Spans) -> None:
    _logical._failed.clear()
    for number in range(3 * _logical._MOST):
        logical = _logical.Logical((number, "hash"), "request", "model", "id")
        _logical._wait(logical, 1)
    for _ in range(3 * _logical._MOST_EACH):
        _logical._wait(_logical.Logical(("same", "hash"), "request", "model", "id"), 1)
    assert len(_logical._failed) == _logical._MOST
    assert len(_logical._failed["same", "hash"]) == _logical._MOST_EACH
    _logical._failed.clear()
