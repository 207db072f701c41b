"""The application cannot tell that we are there: same requests, replies, exceptions, context."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from tests.instrument.test_calls import CHAT, MESSAGE, RESPONSE, method
from tests.instrument.test_streams import WITH_USAGE
from tests.support.provider import ANTHROPIC_MAJOR, QUESTION
from tests.support.spans import Spans

import spanledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider import Clients

    from spanledger_collector.demo.simulator import Simulator

KINDS = [
    pytest.param("chat.completions", CHAT, id="openai-chat"),
    pytest.param("responses", RESPONSE, id="openai-responses"),
    pytest.param("messages", MESSAGE, id="anthropic"),
]
VARYING = {"id", "created", "created_at", "usage", "output", "completed_at"}
CHANGING = {"x-stainless-retry-count", "host", "traceparent", "idempotency-key", "x-stainless-read-timeout"}


def sent(provider: Simulator) -> list[tuple[str, dict[str, str], bytes]]:
    seen = [
        (r.path, {name: value for name, value in r.headers.items() if name.lower() not in CHANGING}, r.body)
        for r in provider.requests
    ]
    provider.clear()
    return seen


@pytest.mark.parametrize(("path", "request_"), KINDS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_same_request_goes_out_and_the_same_type_comes_back(
    provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any, *, stream: bool
) -> None:
    def call() -> tuple[type, Any, Any]:
        reply = method(clients, path, "create")(**request_, **({"stream": True} if stream else {}))
        parts = [type(piece) for piece in reply] if stream else reply.model_dump(exclude=VARYING)
        return type(reply), parts, sent(provider)

    watched = call()
    spanledger.uninstrument()
    assert watched == call()


def once(items: list[Any], read: list[Any]) -> Iterator[Any]:
    for item in items:
        read.append(item)
        yield item


@pytest.mark.parametrize(("path", "request_"), [("chat.completions", CHAT), ("messages", MESSAGE)])
def test_a_generator_argument_is_read_by_the_sdk_alone(
    provider: Simulator, clients: Clients, spans: Spans, path: str, request_: Any
) -> None:
    read: list[Any] = []
    method(clients, path, "create")(**request_ | {"messages": once(QUESTION, read)})
    assert read == QUESTION
    assert b"favourite colour" in provider.requests[0].body
    assert len(spans.all) == 1


@pytest.mark.parametrize(("path", "request_"), KINDS)
def test_nothing_is_left_current(clients: Clients, spans: Spans, path: str, request_: Any) -> None:
    before = dict(copy_context())
    method(clients, path, "create")(**request_)
    stream = method(clients, path, "create")(**request_, stream=True)
    during = dict(copy_context())
    list(stream)
    for context in (during, dict(copy_context())):
        changed = {variable.name for variable, value in context.items() if before.get(variable) is not value}
        assert changed == {"spanledger_last"}  # what `spanledger.validation()` judges; nothing reads it as current
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_nothing_is_left_current_in_a_task(clients: Clients, spans: Spans) -> None:
    async def go() -> None:
        await clients.openai_async.chat.completions.create(**CHAT)
        assert trace.get_current_span() is trace.INVALID_SPAN
        stream = await clients.openai_async.chat.completions.create(**WITH_USAGE, stream=True)
        assert trace.get_current_span() is trace.INVALID_SPAN
        async for _ in stream:
            assert trace.get_current_span() is trace.INVALID_SPAN

    asyncio.run(go())


class StopError(BaseException):
    """Like KeyboardInterrupt: not the SDK's to catch."""


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_whatever_is_raised_reaches_the_caller_as_the_same_object(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch, *, asynchronous: bool
) -> None:
    stop = StopError("CANARY")

    def raises(*_: Any, **__: Any) -> Any:
        raise stop

    async def go() -> None:
        await clients.openai_async.chat.completions.create(**CHAT)

    for client in (clients.openai, clients.openai_async):
        monkeypatch.setattr(client._client, "send", raises)
    with pytest.raises(StopError) as caught:
        asyncio.run(go()) if asynchronous else clients.openai.chat.completions.create(**CHAT)
    assert caught.value is stop
    assert caught.value.__context__ is None
    assert spans.one["spanledger.outcome"] == "cancelled"
    assert "CANARY" not in spans.text()


def test_methods_still_look_like_themselves(clients: Clients, spans: Spans) -> None:
    create = clients.openai.chat.completions.create
    assert create.__name__ == "create"
    assert "messages" in inspect.signature(create).parameters
    assert inspect.ismethod(create)


def test_wrong_arguments_raise_where_they_did(clients: Clients, spans: Spans) -> None:
    with pytest.raises(TypeError):
        clients.openai_async.chat.completions.create()  # type: ignore[call-overload]  # not awaited on purpose


@pytest.mark.skipif(ANTHROPIC_MAJOR < 2, reason="the deprecated model is newer than this version")
def test_a_warning_of_the_sdk_points_at_the_users_line(clients: Clients, spans: Spans) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clients.anthropic.messages.create(**MESSAGE | {"model": "claude-sonnet-4-5"})
    told = [warning for warning in caught if issubclass(warning.category, DeprecationWarning)]  # not what GC finds now
    assert [warning.filename for warning in told] == [__file__]


def test_an_ignored_call_still_works(clients: Clients, spans: Spans) -> None:
    with spanledger.ignore():
        clients.openai.chat.completions.create(**CHAT)
    assert not spans.all


def test_http_client_spans_nest_under_the_call(clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    tracer = spans.provider.get_tracer("http")
    send = clients.openai._client.send

    def traced(*args: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("POST"):
            return send(*args, **kwargs)

    monkeypatch.setattr(clients.openai._client, "send", traced)
    clients.openai.chat.completions.create(**CHAT)
    http, call = spans.all
    assert http.parent is not None
    assert http.parent.span_id == call.context.span_id  # type: ignore[union-attr]


def test_a_provider_of_its_own_leaves_the_applications_traces_whole(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Spans()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", theirs.provider)
    tracer = trace.get_tracer("app")
    send = clients.openai._client.send

    def traced(*args: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("POST"):
            return send(*args, **kwargs)

    monkeypatch.setattr(clients.openai._client, "send", traced)
    with tracer.start_as_current_span("request"):
        clients.openai.chat.completions.create(**CHAT)
    post, request = theirs.all
    assert post.parent is not None
    assert post.parent.span_id == request.context.span_id
    assert spans.all[0].context.trace_id == request.context.trace_id
