"""One span for one result of work that no call waited for, made on a thread of our own, whoever reads the result again.

Its ids are made of the provider's id of it, and its times are the provider's: by whatever process, it is the same span.
"""

from __future__ import annotations

import threading
from copy import copy
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanKind

from . import _setup, semconv
from ._guard import guarded
from ._later import Later
from .integrations._shape import DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.trace import Tracer

    from ._call import Call
    from .integrations._shape import Done

_MOST: Final = 50_000  # results remembered as billed; beyond, the collector knows them by their ids
_FLUSH_EVERY: Final = 256  # spans, so that a file of results does not overflow what waits to be sent
_FLUSH_MILLIS: Final = 5_000
_EXIT: Final = 30.0  # seconds at most, while the collector takes what is waiting
_NOBODY: Final = 0.2  # seconds, when there is no collector
_MOVED: Final = ("gen_ai.usage.", "spanledger.usage.", semconv.BILLED_PREFIX, semconv.REPORTED_COST)
RESULTS: Final = Later()
_billed: dict[int, None] = {}


def of_call(call: Call) -> None:
    """A call whose reply says that it worked in the background: it started the work, and the bill is apart."""
    attributes = call.attributes
    done: Any = attributes.pop(DONE)
    told = {**attributes, semconv.OPERATION_NAME: call.integration.operations[call.target.api]}
    for key in [key for key in attributes if key.startswith(_MOVED)]:
        del attributes[key]
    here = call.made.context
    later(partial(bill, call.integration.package, told, done, [Link(here)] if here is not None else []))


def later(work: Callable[[], object], size: int = 0) -> None:
    """On our own thread; when too much waits for that, here."""
    if not RESULTS.hand(work, size):
        guarded(work)


def bill(package: str, attributes: Mapping[str, Any], done: Done, links: Sequence[Link]) -> None:
    """One span for one result of the SDK `package`, once in this process."""
    digest = sha256(f"{package}\n{done.identity}".encode()).digest()
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
    told[semconv.UNWAITED] = True
    name = f"{told[semconv.OPERATION_NAME]} {told[semconv.REQUEST_MODEL]}".rstrip()
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
        self._of: tuple[_setup.Destination, Tracer, Any] | None = None

    def of(self, to: _setup.Destination, ids: tuple[int, int]) -> Tracer:
        known = self._of
        if known is None or known[0] is not to:
            known = self._of = (to, *self._make(to))
        _, tracer, given = known
        if given is not None:
            given.ids = ids
        return tracer

    def _make(self, to: _setup.Destination) -> tuple[Tracer, Any]:
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


_setup.before_leaving.append(_settle)
