"""What the scenarios need to know of an SDK, and reading it alike whether it is sync or async."""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from spanledger_collector.demo.simulator import Simulator

CANARY = "CANARY-5e1d"
PROMPT = f"What is the favourite colour of {CANARY}?"
QUESTION: list[dict[str, str]] = [{"role": "user", "content": PROMPT}]
WAYS = ("plain", "stream", "parse", "raw", "streaming raw", "raw stream", "tool call", "generator")
TOKENS = (1200, 150, 1024)  # input, output, cache read of every scripted bill


class Absent(NamedTuple):
    """A way of calling that an SDK lacks. `attribute` of its client is not there; once it is, a test fails."""

    reason: str
    attribute: str


class Elsewhere(NamedTuple):
    """A way of calling that another row of the table tries."""

    row: str


class Differs(NamedTuple):
    """What a scenario leaves in the ledger of one SDK, where that is not what the table says."""

    reason: str
    outcome: str
    grades: tuple[str, ...]
    attempts: int = 1


@dataclass(frozen=True)
class Sdk:
    """One row: one billed method of an SDK. A way takes the client and, for `generator`, an iterator of messages."""

    name: str
    package: str
    client: Callable[[Simulator, bool, dict[str, Any]], Any]  # (provider, asynchronous, timeout and max_retries)
    ways: Mapping[str, Callable[..., Any] | Absent | Elsewhere]
    usage: Mapping[str, Any]  # of a bill of TOKENS, in the provider's own shape
    tokens: tuple[int | None, ...] = TOKENS
    http: Callable[[Any], Any] = attrgetter("_client")  # what `send`s the requests of a client
    differs: Mapping[str, Differs] = field(default_factory=dict)  # by scenario
    wrong: Mapping[str, str] = field(default_factory=dict)  # scenario -> what is not as it should be; fails once it is
    asynchronous: tuple[bool, ...] = (False, True)
    unsent: tuple[str, ...] = ()  # scenarios whose arguments the SDK refuses before anything goes out


async def settle(value: Any) -> Any:
    """The result of a call, awaited where the client is async."""
    return await value if inspect.isawaitable(value) else value


def driven(program: Any) -> Any:
    """Run a coroutine that never waits: how a program of this table runs with a sync client, without an event loop."""
    try:
        program.send(None)
    except StopIteration as done:
        return done.value
    program.close()
    raise AssertionError("a sync program waited for something")


async def pieces(stream: Any) -> AsyncIterator[Any]:
    if hasattr(stream, "__aiter__"):
        async for piece in stream:
            yield piece
    else:
        for piece in stream:
            yield piece


@asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    """`with` or `async with`, whichever `manager` has; what is no manager is used as it is."""
    if hasattr(manager, "__aenter__"):
        async with manager as inside:
            yield inside
    elif hasattr(manager, "__enter__"):
        with manager as inside:
            yield inside
    else:
        yield manager


def iterable(reply: Any) -> bool:
    return hasattr(reply, "__iter__") or hasattr(reply, "__aiter__")
