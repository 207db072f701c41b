"""Whatever of ours fails, the application's call does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT, MESSAGE, method
from tests.instrument.test_streams import WITH_USAGE

from spanledger import _guard

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

OURS = [
    "spanledger._patch._tags.current",
    "spanledger._patch._callsite.find",
    "spanledger._setup.destination",
    "spanledger._call.server",
    "spanledger._call._fingerprint.take",
    "spanledger._fingerprint.Prompt._hashes",
    "spanledger._call.Call._open_span",
    "spanledger._call.Call.enter",
    "spanledger._call.Call.answered",
    "spanledger._call.Call.finish",
    "spanledger._call.Call._transport",
    "spanledger._call.rate_limits",
    "spanledger._streams.watch",
    "spanledger._bodies.look",
    "spanledger._patch._replied",
    "spanledger._streams.Watched._first",
    "spanledger._streams.Ending._finish",
]


class OurFaultError(Exception):
    """Ours, and nobody else's business."""


def fails(*_: Any, **__: Any) -> Any:
    raise OurFaultError


def use(clients: Clients) -> None:
    assert clients.openai.chat.completions.create(**CHAT).id
    assert list(clients.openai.chat.completions.create(**WITH_USAGE, stream=True))
    assert clients.openai.chat.completions.with_raw_response.create(**CHAT).parse().id
    with clients.anthropic.messages.stream(**MESSAGE) as stream:
        assert stream.get_final_message().id

    async def go() -> None:
        assert (await method(clients, "messages", "create", asynchronous=True)(**MESSAGE)).id
        async with method(clients, "messages", "stream", asynchronous=True)(**MESSAGE) as stream:
            assert (await stream.get_final_message()).id

    asyncio.run(go())


@pytest.mark.parametrize("ours", OURS)
def test_a_fault_of_ours_does_not_reach_the_application(
    clients: Clients, spans_despite_faults: Spans, monkeypatch: pytest.MonkeyPatch, ours: str
) -> None:
    before = sum(_guard.faults.values())
    monkeypatch.setattr(ours, fails)
    use(clients)
    assert sum(_guard.faults.values()) > before


def test_a_reader_that_fails_gives_up_on_that_stream_only(
    clients: Clients, spans_despite_faults: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spanledger.integrations._openai_chat import ChatReader

    with monkeypatch.context() as broken:
        broken.setattr(ChatReader, "feed", fails)
        pieces = list(clients.openai.chat.completions.create(**WITH_USAGE, stream=True))
    assert len(pieces) > 1
    list(clients.openai.chat.completions.create(**WITH_USAGE, stream=True))
    assert len(spans_despite_faults.all) == 2


def test_a_reply_we_cannot_read_is_in_the_ledger_without_usage(
    clients: Clients, spans_despite_faults: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spanledger._streams.watch", fails)
    list(clients.openai.chat.completions.create(**WITH_USAGE, stream=True))
    assert spans_despite_faults.one["spanledger.usage.grade"] == "absent"


def test_a_fault_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert _guard.guarded(fails) is None
    assert caplog.text.count("OurFaultError") == 1
