"""Replies to work that no call waits for: results of batches, responses that worked in the background.

Each is a span of its own, made when its usage is first read here, on a thread of our own. Its ids are made of the
provider's id of it, and its times are the provider's: read again, by whatever process, it is the same span.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from copy import copy
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanKind

from . import _callsite, _setup, _tags, semconv
from ._bodies import _Listener, decoded
from ._client import is_raw, server
from ._guard import guarded
from ._later import Later
from .integrations._shape import DONE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from types import FrameType

    from ._call import Call
    from .integrations._shape import Attributes, Done, Integration, Target

_MOST: Final = 50_000  # results remembered as billed; beyond, the collector knows them by their ids
_FLUSH_EVERY: Final = 256  # spans, so that a file of results does not overflow what waits to be sent
_FLUSH_MILLIS: Final = 5_000
_EXIT: Final = 30.0  # seconds at most, while the collector takes what is waiting
_NOBODY: Final = 0.2  # seconds, when there is no collector
_LONGEST_LINE: Final = 32 * 1024 * 1024  # bytes
_LONGEST_JOB: Final = 1024 * 1024  # bytes of lines handed over at once
_MOVED: Final = ("gen_ai.usage.", "spanledger.usage.", semconv.BILLED_PREFIX, semconv.REPORTED_COST)
RESULTS: Final = Later()
_billed: dict[int, None] = {}


class Reading:
    """One reading of such replies: who reads, and with which tags. To whatever listens to bodies it is a call."""

    first_piece_at: float | None = None
    open = True

    def __init__(self, integration: Integration, target: Target, resource: Any, given: Mapping[str, Any]) -> None:
        client = integration.client_of(resource)
        self.integration = integration
        self.target = target
        self.attributes: Attributes = {}
        self._given = given
        self._client = client
        here = trace.get_current_span().get_span_context()
        self.links = [Link(here)] if here.is_valid else []

    def by(self, tags: Mapping[str, str], site: Mapping[str, Any]) -> Reading:
        self.attributes = {**tags, **site, **server(self._client, self.integration)}
        return self

    def look(self, reply: Any) -> None:
        """Read what is here, and listen to what is yet to come; nothing is read for the application."""
        if is_raw(self._given):
            self._body(reply.http_response)
        elif hasattr(reply, self.integration.iterator):
            iterator = getattr(reply, self.integration.iterator)
            setattr(reply, self.integration.iterator, _Pieces(iterator, self))
        elif hasattr(reply, "iter_bytes"):  # a file, read already
            self._body(getattr(reply, "response", None) or reply.http_response)
        else:
            self.told(reply)

    def _body(self, response: Any) -> None:
        kind = response.headers.get("content-type", "")
        whole = self.target.api != "batch_results" and "event-stream" not in kind
        reader = (_Document if whole else _Lines)(self)
        if response.is_closed:
            reader.feed(response.content)
            reader.end()
        else:
            _Listener(response, self, reader).listen(response)  # type: ignore[arg-type]

    def told(self, piece: Any) -> None:
        """A reply, or one piece of a stream: a bill if it tells of finished work."""
        found = self.integration.read_result(self.target.api, piece, self._given)
        done: Any = found.pop(DONE, None)
        if done is not None:
            found[semconv.OPERATION_NAME] = found.get(semconv.OPERATION_NAME) or self.integration.operations["chat"]
            later(partial(bill, self, {**self.attributes, **found}, done))

    def lines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            text = line.removeprefix(b"data:").strip()
            if text.startswith(b"{"):
                guarded(self._line, text)

    def _line(self, text: bytes) -> None:
        self.told(decoded(text))

    def finish(self, *_: Any) -> None:
        """A body came to its end: what it told is billed already."""


class _Pieces:
    """The iterator of a stream or of a file of results; every piece is passed on as it came."""

    def __init__(self, pieces: Any, reading: Reading) -> None:
        self._pieces = pieces
        self._reading = reading

    def __iter__(self) -> _Pieces:
        return self

    def __aiter__(self) -> _Pieces:
        return self

    def __next__(self) -> Any:
        piece = next(self._pieces)
        guarded(self._reading.told, piece)
        return piece

    async def __anext__(self) -> Any:
        piece = await self._pieces.__anext__()
        guarded(self._reading.told, piece)
        return piece

    def close(self) -> Any:
        return self._pieces.close()

    def aclose(self) -> Any:
        return self._pieces.aclose()


class _Lines:
    """Lines of JSON, or of server-sent events, in pieces. A file whose first line is no result is left alone."""

    complete = True

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._parts: list[bytes] = []
        self._size = 0
        self._first = True
        self._off = False

    def feed(self, part: bytes) -> None:
        if self._off:
            return
        self._size += len(part)
        self._parts.append(part)
        if b"\n" in part:
            whole, _, rest = b"".join(self._parts).rpartition(b"\n")
            self._parts, self._size = [rest], len(rest)
            self._hand(whole)
        elif self._size > _LONGEST_LINE:
            self._leave()

    def end(self) -> None:
        if not self._off:
            self._hand(b"".join(self._parts))

    def result(self) -> Attributes:
        return {}

    def _hand(self, whole: bytes) -> None:
        if self._first and self._reading.target.api == "batch_results" and whole.strip():
            self._first = False
            if b'"custom_id"' not in whole.lstrip().partition(b"\n")[0]:
                self._leave()
                return
        later(partial(self._reading.lines, io.BytesIO(whole)), min(len(whole), _LONGEST_JOB))

    def _leave(self) -> None:
        self._off, self._parts = True, []


class _Document(_Lines):
    """One JSON document in pieces."""

    def feed(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= _LONGEST_LINE:
            self._parts.append(part)

    def end(self) -> None:
        if self._size <= _LONGEST_LINE:
            later(partial(self._reading.lines, [b"".join(self._parts)]), min(self._size, _LONGEST_JOB))


def around(integration: Integration, target: Target, caller: FrameType, wrapped: Callable[..., Any], *call: Any) -> Any:
    """What stands around a method that hands out such replies."""
    instance, args, kwargs = call
    given = {**dict(zip(target.positional, args, strict=False)), **kwargs}
    reading = guarded(_reading, integration, target, caller, instance, given)
    reply = wrapped(*args, **kwargs)
    if reading is None:
        return reply
    if target.asynchronous:
        return _awaited(reading, reply)
    guarded(reading.look, reply)
    return reply


async def _awaited(reading: Reading, awaitable: Awaitable[Any]) -> Any:
    reply = await awaitable
    guarded(reading.look, reply)
    return reply


def _reading(
    integration: Integration, target: Target, caller: FrameType, instance: Any, given: Mapping[str, Any]
) -> Reading | None:
    tags = _tags.current()
    if tags is None or _setup.ended():
        return None
    _setup.destination()  # here, for a fork must not find our own thread in the middle of an import
    return Reading(integration, target, instance, given).by(tags, _callsite.find(caller))


def of_call(call: Call) -> None:
    """A call whose reply says that it worked in the background: it started the work, and the bill is apart."""
    attributes = call.attributes
    done: Any = attributes.pop(DONE)
    told = {**attributes, semconv.OPERATION_NAME: call.integration.operations[call.target.api]}
    for key in [key for key in attributes if key.startswith(_MOVED)]:
        del attributes[key]
    here = call.made.context
    later(partial(bill, call, told, done, [Link(here)] if here is not None else []))


def later(work: Callable[[], object], size: int = 0) -> None:
    """On our own thread; when too much waits for that, here."""
    if not RESULTS.hand(work, size):
        guarded(work)


def bill(by: Reading | Call, attributes: Mapping[str, Any], done: Done, links: Sequence[Link] | None = None) -> None:
    """One span for one result, once in this process."""
    digest = sha256(f"{by.integration.package}\n{done.identity}".encode()).digest()
    trace_id, span_id = int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1
    with RESULTS.lock:
        if span_id in _billed:
            return
        _billed[span_id] = None
        if len(_billed) > _MOST:
            del _billed[next(iter(_billed))]
    told = {semconv.REQUEST_MODEL: attributes.get(semconv.RESPONSE_MODEL, ""), **attributes}
    told[semconv.OUTCOME] = "error" if semconv.ERROR_TYPE in told else "ok"
    told[semconv.USAGE_GRADE] = "measured"
    name = f"{told[semconv.OPERATION_NAME]} {told[semconv.REQUEST_MODEL]}".rstrip()
    if links is None:
        links = by.links if isinstance(by, Reading) else []
    to = _setup.destination()
    with RESULTS.lock:
        span = _tracers.of(to, (trace_id, span_id)).start_span(
            name, Context(), SpanKind.CLIENT, told, links, start_time=done.start_ns
        )
    span.end(done.end_ns)
    _pace.sent(to)


class _Given(RandomIdGenerator):
    """The ids that the next span is to have."""

    ids = (0, 0)

    def generate_trace_id(self) -> int:
        return self.ids[0]

    def generate_span_id(self) -> int:
        return self.ids[1]


class _Tracers:
    """A tracer of our own for each destination, which takes its ids from us where the provider is an SDK's."""

    def __init__(self) -> None:
        self._of: tuple[_setup.Destination, trace.Tracer, Any] | None = None

    def of(self, to: _setup.Destination, ids: tuple[int, int]) -> trace.Tracer:
        known = self._of
        if known is None or known[0] is not to:
            known = self._of = (to, *self._make(to))
        _, tracer, given = known
        if given is not None:
            given.ids = ids
        return tracer

    def _make(self, to: _setup.Destination) -> tuple[trace.Tracer, Any]:
        if not hasattr(to.tracer, "id_generator"):
            return to.tracer, None
        tracer: Any = copy(to.tracer)  # of the same scope; get_tracer() would return the one that all calls use
        tracer.id_generator = given = _Given()
        return tracer, given


class _Pace:
    """Sends off what was made before more is made, on our own thread and through our own provider only."""

    def __init__(self) -> None:
        self._since = 0
        self.failing = False

    def sent(self, to: _setup.Destination) -> None:
        self._since += 1
        ours = RESULTS._thread is threading.current_thread()  # noqa: SLF001
        if to.own and ours and self._since >= _FLUSH_EVERY and not self.failing:
            self.flush(to)

    def flush(self, to: _setup.Destination) -> None:
        self._since = 0
        flush: Any = getattr(to.provider, "force_flush", None)
        self.failing = flush is None or not flush(_FLUSH_MILLIS)


_tracers: Final = _Tracers()
_pace: Final = _Pace()


def _settle() -> None:
    """Before a destination is left: a program that reads a file of results and ends has most of them waiting here."""
    to, sender = _setup._state.destination, _setup._state.sender  # noqa: SLF001
    if to is None or not RESULTS._count:  # noqa: SLF001
        return
    takes = sender is None or (not _pace.failing and sender._quiet.reachable())  # noqa: SLF001
    if RESULTS.drain(_EXIT if takes else _NOBODY) and takes and to.own:
        _pace.flush(to)


def _after_fork() -> None:
    """The thread and what waited for it are the parent's."""
    RESULTS.__init__()  # type: ignore[misc]


_setup.before_leaving.append(_settle)
with contextlib.suppress(AttributeError):  # no fork on this platform
    os.register_at_fork(after_in_child=_after_fork)
