"""Runs a scenario as an application would, and again with every call of it recorded."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import contextmanager
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanProcessor
from tests.instrument.conformance.observed import Facts, kind, warned
from tests.instrument.conformance.scenarios import LineError, Scenario, StopError
from tests.instrument.conformance.sdk import CANARY, Sdk, driven, settle
from tests.support.spans import Spans

import spanledger
from spanledger import _guard
from spanledger._patch import Patch, _Recorded, unseen
from spanledger._registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from spanledger_collector.demo.simulator import Simulator

REPLY = f"The favourite colour of {CANARY} is {CANARY}, as everybody knows who ever asked."


class Handed:
    """What the SDK's own methods returned and raised, seen from inside of the patches."""

    def __init__(self) -> None:
        self.returned: set[int] = set()
        self.raised: list[BaseException] = []

    @unseen
    def spy(self, wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            reply = wrapped(*args, **kwargs)
        except BaseException as error:
            self.raised.append(error)
            raise
        self._note(reply)
        return reply

    @unseen
    async def spy_async(self, wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            reply = await wrapped(*args, **kwargs)
        except BaseException as error:
            self.raised.append(error)
            raise
        self._note(reply)
        return reply

    def _note(self, reply: Any) -> None:
        """The reply, and what the SDK unwraps from it."""
        inside = reply.values() if isinstance(reply, dict) else [getattr(reply, "data", None)]
        self.returned |= {id(each) for each in (reply, *inside) if each is not None}


class Run:
    """One run of one scenario with one client."""

    def __init__(self, sdk: Sdk, scenario: Scenario, provider: Simulator, *, asynchronous: bool) -> None:
        self.sdk, self.scenario, self.provider = sdk, scenario, provider
        self.asynchronous = asynchronous
        self.handed: Handed | None = None
        self.client: Any = None
        self.facts: Facts

    def call(self, *messages: Any) -> Any:
        way = self.sdk.ways[self.scenario.way]
        assert callable(way)
        return way(self.client, *messages)

    def saw(self, what: str, reply: Any) -> Any:
        """What the method itself returned: the very object that the SDK made."""
        plain = isinstance(reply, (GeneratorType, AsyncGeneratorType))  # which has no place for a watching iterator
        if self.handed is not None and self.handed.returned and not plain:
            assert id(reply) in self.handed.returned, f"{kind(reply)} is not what the SDK returned"
        return self.facts.saw(what, reply)

    def break_send(self, error: BaseException) -> None:
        def send(*_: Any, **__: Any) -> Any:
            raise error

        async def send_async(*_: Any, **__: Any) -> Any:
            raise error

        self.sdk.http(self.client).send = send_async if self.asynchronous else send

    def break_body(self, error: BaseException) -> None:
        """The second part of a body is never there."""
        http = self.sdk.http(self.client)
        send = http.send

        def broken(*args: Any, **kwargs: Any) -> Any:
            response = send(*args, **kwargs)
            of, name = (response, "iter_raw") if hasattr(response, "iter_raw") else (response.raw, "stream")
            read = getattr(of, name)
            setattr(of, name, lambda *given, **named: raising_after_one(read(*given, **named)))
            return response

        async def broken_async(*args: Any, **kwargs: Any) -> Any:
            response = await send(*args, **kwargs)
            read = response.aiter_raw
            response.aiter_raw = lambda *given, **named: raising_after_one_async(read(*given, **named))
            return response

        def raising_after_one(parts: Any) -> Any:
            yield next(parts)
            raise error

        async def raising_after_one_async(parts: Any) -> Any:
            yield await anext(parts)
            raise error

        http.send = broken_async if self.asynchronous else broken

    def go(self) -> dict[str, Any]:
        self.provider.clear()
        replies = self.scenario.script or [{}]
        self.provider.script([self._filled(reply) for reply in replies])
        with warned() as said:
            program = self._program()
            asyncio.run(program) if self.asynchronous else driven(program)
        self.facts.seen |= said
        self.facts.sent(self.provider)
        self.provider.clear()
        return self.facts.seen

    def _filled(self, reply: dict[str, Any]) -> dict[str, Any]:
        if "status" in reply:
            return reply
        text = {} if "tool" in reply else {"text": REPLY}
        return {"usage": dict(self.sdk.usage), **text, **reply}

    async def _program(self) -> None:
        options = {"max_retries": 2, **self.scenario.options}
        self.client = self.sdk.client(self.provider, self.asynchronous, options)
        self.facts = Facts()
        try:
            await self.scenario.program(self)
        except (Exception, StopError, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, it is compared
            self._caught(error)
        self.facts.looked_around("end")
        if self.scenario.outcome != "ok":
            gc.collect()  # a stream that was left, or failed above our iterator, ends at the latest here
        http = self.sdk.http(self.client)
        await settle((getattr(http, "aclose", None) or http.close)())

    def _caught(self, error: BaseException) -> None:
        if isinstance(error, AssertionError):
            raise error
        self.facts.failed(error)
        if self.handed is not None and self.handed.raised:
            assert error in self.handed.raised, f"{error!r} is not what the SDK raised"
        if isinstance(error, LineError):
            self.facts.seen["error is"] = "the transport's own"


class Started(SpanProcessor):
    def __init__(self) -> None:
        self.count = 0

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.count += 1


@contextmanager
def recorded(run: Run) -> Iterator[tuple[Spans, Started]]:
    """Patched for one run, with spies below the patches."""
    run.handed = Handed()
    spans, started = Spans(), Started()
    spans.provider.add_span_processor(started)
    _guard.faults.clear()
    with _spies(run.handed):
        spanledger.instrument(tracer_provider=spans.provider)
        try:
            yield spans, started
        finally:
            spanledger.uninstrument()
    assert not _guard.faults


@contextmanager
def _spies(handed: Handed) -> Iterator[None]:
    placed = []
    for patch in [p for patches in REGISTRY.patches.values() for p in patches if _records(p)]:
        owner: Any = sys.modules.get(patch.module)
        *classes, name = patch.path.split(".")
        for cls in classes:
            owner = getattr(owner, cls, None)
        original = vars(owner).get(name) if owner is not None else None
        if original is not None:
            spy = handed.spy_async if patch.asynchronous else handed.spy
            setattr(owner, name, wrapt.FunctionWrapper(original, spy))
            placed.append((owner, name, original))
    try:
        yield
    finally:
        for owner, name, original in reversed(placed):
            setattr(owner, name, original)


def _records(patch: Patch) -> bool:
    """Not one that watches retries and responses."""
    return isinstance(getattr(patch.around, "__self__", None), _Recorded)


def exported(spans: tuple[ReadableSpan, ...]) -> bytes:
    """As they would be sent."""
    return encode_spans(spans).SerializeToString()
