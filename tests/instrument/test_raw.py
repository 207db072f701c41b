"""`with_raw_response` and `with_streaming_response`: the body is the caller's, and the call is still in the ledger."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT, CHAT_USAGE, MESSAGE, MESSAGES_USAGE, Case, method, tokens
from tests.instrument.test_streams import WITH_USAGE, outcome

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

KINDS = [
    pytest.param(Case("chat.completions", CHAT, CHAT_USAGE, (1200, 150, 1024)), id="openai"),
    pytest.param(Case("messages", MESSAGE, MESSAGES_USAGE, (1500, 150, 1024)), id="anthropic"),
]
STREAMED = [
    pytest.param("chat.completions", WITH_USAGE, id="openai"),
    pytest.param("messages", MESSAGE, id="anthropic"),
]


@pytest.mark.parametrize("case", KINDS)
def test_a_raw_response_is_measured(provider: Simulator, clients: Clients, spans: Spans, case: Case) -> None:
    provider.script([{"usage": case.usage}])
    response = method(clients, case.path, "with_raw_response").create(**case.request)
    assert tokens(spans.one) == case.tokens
    assert response.parse().id == spans.one[semconv.RESPONSE_ID]


@pytest.mark.parametrize("case", KINDS)
@pytest.mark.parametrize("read", ["parse", "read", "json", "text", "lines"])
def test_an_unread_body_is_left_to_the_caller_and_measured_as_it_is_read(
    provider: Simulator, clients: Clients, spans: Spans, case: Case, read: str
) -> None:
    provider.script([{"usage": case.usage}])
    with method(clients, case.path, "with_streaming_response").create(**case.request) as response:
        assert not response.is_closed
        assert not spans.all
        list(response.iter_lines()) if read == "lines" else getattr(response, read)()
    assert tokens(spans.one) == case.tokens
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "request_"), STREAMED)
def test_a_raw_stream_is_measured_when_parsed(clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    response = method(clients, path, "with_raw_response").create(**request_, stream=True)
    assert not spans.all
    list(response.parse())
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "request_"), STREAMED)
def test_lines_read_by_the_caller_are_listened_to(clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    with method(clients, path, "with_streaming_response").create(**request_, stream=True) as response:
        lines = list(response.iter_lines())
    assert any(line.startswith("data:") for line in lines)
    assert outcome(spans) == ("ok", "measured")


@pytest.mark.parametrize(("path", "request_"), STREAMED)
def test_async_raw_streams_are_measured(clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    async def go() -> None:
        create = method(clients, path, "with_streaming_response", asynchronous=True).create
        async with create(**request_, stream=True) as response:
            async for _ in response.iter_lines():
                pass

    asyncio.run(go())
    assert outcome(spans) == ("ok", "measured")


def test_an_async_unread_body_is_measured(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([{"usage": CHAT_USAGE}])

    async def go() -> None:
        async with clients.openai_async.chat.completions.with_streaming_response.create(**CHAT) as response:
            await response.parse()

    asyncio.run(go())
    assert tokens(spans.one) == (1200, 150, 1024)


def test_a_body_left_unread_is_abandoned(clients: Clients, spans: Spans) -> None:
    with clients.openai.chat.completions.with_streaming_response.create(**CHAT):
        pass
    assert outcome(spans) == ("abandoned", "absent")


def test_a_response_pickles_after_it_was_listened_to(clients: Clients, spans: Spans) -> None:
    with clients.openai.chat.completions.with_streaming_response.create(**CHAT) as response:
        response.read()
    again = pickle.loads(pickle.dumps(response.http_response))
    assert json.loads(again.content)["id"] == spans.one[semconv.RESPONSE_ID]
