"""The programs of the matrix: each written once, for sync and async clients alike."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.instrument.conformance.sdk import CANARY, QUESTION, entered, iterable, pieces, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.instrument.conformance.runner import Run

TEXT = f'{{"name": "{CANARY}", "age": 3}}'
BROKEN = f'{{"name": "{CANARY}", "age": "{CANARY}", "colours": {{"{CANARY}": "{CANARY}"}}}}'
TOOL = {"name": "lookup", "arguments": {"bird": CANARY}}
ERROR = {"error": {"message": CANARY, "type": "invalid_request_error"}, "message": CANARY}
MEASURED = ("measured",)
UNFINISHED = ("partial", "absent")


class StopError(BaseException):
    """Like KeyboardInterrupt: not the SDK's to catch."""


class LineError(Exception):
    """What the transport raises."""


@dataclass(frozen=True)
class Scenario:
    """One program, and what it leaves in the ledger."""

    name: str
    way: str
    program: Callable[[Run], Awaitable[None]]
    outcome: str = "ok"
    grades: tuple[str, ...] = MEASURED
    script: list[dict[str, Any]] = field(default_factory=list)  # `usage` and `text` are added to replies
    options: dict[str, Any] = field(default_factory=dict)  # of the client
    asynchronous: tuple[bool, ...] = (False, True)
    attempts: int = 1


async def plain(run: Run) -> None:
    run.saw("reply", await settle(run.call()))


async def stream(run: Run) -> None:
    async with entered_if_manager(run, await settle(run.call())) as reply:
        async for piece in pieces(reply):
            run.facts.saw("piece", piece)


def entered_if_manager(run: Run, reply: Any) -> Any:
    """A helper such as `messages.stream()` has to be entered; a stream is read without."""
    run.saw("stream", reply)
    return AsIs(reply) if iterable(reply) else entered(reply)


class AsIs:
    def __init__(self, value: Any) -> None:
        self._value = value

    async def __aenter__(self) -> Any:
        return self._value

    async def __aexit__(self, *_: object) -> None:
        """Left open on purpose: the caller does not close."""


async def raw(run: Run) -> None:
    response = run.saw("response", await settle(run.call()))
    if hasattr(response, "data"):
        run.facts.saw("data", response.data)
        return
    run.facts.saw("text", await settle(_called(response.text)))
    run.facts.saw("parsed", await settle(response.parse()))


async def streaming_raw(run: Run) -> None:
    async with entered(run.call()) as response:
        run.facts.saw("response", response)
        run.facts.saw("closed", response.is_closed)
        run.facts.saw("parsed", await settle(response.parse()))
        run.facts.saw("body", await settle(response.read()))


async def streaming_raw_lines(run: Run) -> None:
    async with entered(run.call()) as response:
        async for line in pieces(response.iter_lines()):
            run.facts.saw("line", line)


async def raw_stream(run: Run) -> None:
    async with entered(await settle(run.call())) as response:
        run.facts.saw("response", response)
        parsed = response.data if hasattr(response, "data") else await settle(response.parse())
        async for piece in pieces(parsed):
            run.facts.saw("piece", piece)


async def early_close(run: Run) -> None:
    reply = await settle(run.call())
    manager = None if iterable(reply) else reply
    if manager is not None:
        async with entered(manager) as inside:
            await first(run, inside)
        return
    await first(run, reply)
    await settle((getattr(reply, "close", None) and reply.close()) or getattr(reply, "aclose", _nothing)())
    run.facts.looked_around("closed")


def _nothing() -> None:
    """No `aclose`: closed already."""


async def first(run: Run, stream: Any) -> None:
    if hasattr(stream, "__anext__"):
        run.facts.saw("piece", await stream.__anext__())
    else:
        run.facts.saw("piece", next(iter(stream)))


async def left(run: Run) -> None:
    """`break`, and the stream goes out of use with the function."""
    async with entered_if_manager(run, await settle(run.call())) as reply:
        if hasattr(reply, "__aiter__"):
            async for piece in reply:
                run.facts.saw("piece", piece)
                break
        else:
            for piece in reply:
                run.facts.saw("piece", piece)
                break


async def never_iterated(run: Run) -> None:
    async with entered_if_manager(run, await settle(run.call())):
        pass


async def cancelled(run: Run) -> None:
    """The task is cancelled while it waits for the next piece, or for the reply."""
    started = asyncio.Event()

    async def read() -> None:
        if run.scenario.way == "plain":
            started.set()
            run.saw("reply", await run.call())
        async with entered_if_manager(run, await settle(run.call())) as reply:
            async for _ in pieces(reply):
                started.set()

    task = asyncio.create_task(read())
    await started.wait()
    while run.scenario.way == "plain" and not run.provider.requests:  # noqa: ASYNC110 - another thread's list
        await asyncio.sleep(0.005)
    task.cancel()
    await task


async def interrupted(run: Run) -> None:
    run.break_send(StopError(CANARY))
    await plain(run)


async def line_down(run: Run) -> None:
    run.break_send(LineError(CANARY))
    await plain(run)


async def interrupted_midway(run: Run) -> None:
    run.break_body(StopError(CANARY))
    await stream(run)


async def line_down_midway(run: Run) -> None:
    run.break_body(LineError(CANARY))
    await stream(run)


async def generator(run: Run) -> None:
    """The SDK alone reads a generator; one that we read first would arrive empty on the wire."""
    read: list[Any] = []

    def once() -> Iterator[Any]:
        for message in QUESTION:
            read.append(message)
            yield message

    run.saw("reply", await settle(run.call(once())))
    run.facts.saw("read", len(read))


def _called(value: Any) -> Any:
    return value() if inspect.ismethod(value) else value


SOON = {"retry-after": "0.01", "retry-after-ms": "10"}
_SLOW = {"chunks": 40, "chunk_delay": 0.02}
_DOWN = {"options": {"max_retries": 0}, "outcome": "error"}
_GONE = {"outcome": "abandoned", "grades": UNFINISHED}
SCENARIOS = (
    Scenario("plain", "plain", plain),
    Scenario("stream", "stream", stream),
    Scenario("parse", "parse", plain, script=[{"text": TEXT}]),
    Scenario("failed parse", "parse", plain, outcome="error", script=[{"text": BROKEN}]),
    Scenario("raw", "raw", raw),
    Scenario("raw stream", "raw stream", raw_stream),
    Scenario("streaming raw", "streaming raw", streaming_raw),
    Scenario("streaming raw lines", "streaming raw", streaming_raw_lines),
    Scenario("tool call", "tool call", plain, script=[{"tool": TOOL}]),
    Scenario("streamed tool call", "stream", stream, script=[{"tool": TOOL}]),
    Scenario("generator arguments", "generator", generator),
    Scenario("retried", "plain", plain, script=[{"status": 429, "headers": SOON}, {}], attempts=2),
    Scenario("provider error", "plain", plain, "error", ("absent",), [{"status": 400, "body": ERROR}]),
    Scenario("provider error on a stream", "stream", stream, "error", ("absent",), [{"status": 400, "body": ERROR}]),
    Scenario(
        "timeout",
        "plain",
        plain,
        grades=("absent",),
        script=[{"delay": 1.0}],
        **{**_DOWN, "options": {"max_retries": 0, "timeout": 0.25}},
    ),
    Scenario("raised while sending", "plain", line_down, grades=("absent",), **_DOWN),
    Scenario("interrupted while sending", "plain", interrupted, "cancelled", ("absent",)),
    Scenario("mid-stream drop", "stream", stream, "error", UNFINISHED, [{"drop_after_chunks": 2, "chunks": 8}]),
    Scenario("mid-stream error", "stream", stream, "error", UNFINISHED, [{"error_after_chunks": 2, "chunks": 8}]),
    Scenario("raised while reading", "stream", line_down_midway, "error", UNFINISHED),
    Scenario("interrupted while reading", "stream", interrupted_midway, "cancelled", UNFINISHED),
    Scenario("early close", "stream", early_close, script=[{"chunks": 8}], **_GONE),
    Scenario("break", "stream", left, script=[{"chunks": 8}], **_GONE),
    Scenario("never iterated", "stream", never_iterated, **_GONE),
    Scenario("cancelled call", "plain", cancelled, "cancelled", ("absent",), [{"delay": 0.5}], asynchronous=(True,)),
    Scenario("cancelled stream", "stream", cancelled, "cancelled", UNFINISHED, [_SLOW], asynchronous=(True,)),
)
