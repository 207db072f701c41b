"""From a sealed segment to priced calls: decode, read, price. What cannot be read is put aside; its neighbours live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spanledger_collector import otlp, otlp_logs
from spanledger_collector.readable import readable
from spanledger_collector.recent import SpanId, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from spanledger_collector.counters import Counters
    from spanledger_collector.dead_letters import DeadLetters
    from spanledger_collector.model import Call, Cost, Signal, Span
    from spanledger_collector.wal import Record, Segment

DECODERS: Final[Mapping[Signal, Callable[[bytes, int], Iterable[Span]]]] = {
    "traces": otlp.decode,
    "logs": otlp_logs.decode,
    "metrics": lambda _body, _received_ns: (),
}


class Forward(Protocol):
    """Takes a copy of a request on to another backend; never waits, never raises."""

    def __call__(self, body: bytes, signal: Signal) -> None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What one segment holds: each span once, and beside it the call it stands for, if it does."""

    segment: Segment
    spans: list[Span]
    calls: list[Call | None]


class Reader:
    """Reads segments. It changes nothing: a segment may be read again."""

    def __init__(
        self,
        to_call: Callable[[Span], Call | None],
        price: Callable[[Call], Cost],
        dead_letters: DeadLetters,
        counters: Counters,
        forward: Forward | None = None,
    ) -> None:
        self._to_call, self._price = to_call, price
        self._dead_letters, self._counters, self._forward = dead_letters, counters, forward

    def read(self, segment: Segment) -> Batch:
        """Raises OSError when the medium does."""
        spans = self._spans(segment)
        calls = [self._call(segment.id, place, span) for place, span in enumerate(spans)]
        if any(span.event for span in spans):
            spans, calls = self._without_unused_events(spans, calls)
        return Batch(segment, spans, calls)

    def _spans(self, segment: Segment) -> list[Span]:
        found: dict[SpanId, Span] = {}
        count = 0
        for place, record in enumerate(readable(segment, self._counters)):
            for span in self._decoded(segment.id, place, record):
                found.setdefault(identity(span), span)
                count += 1
        self._counters.add("spanledger_spans_deduplicated_total", count - len(found))
        return list(found.values())

    def _decoded(self, segment: int, place: int, record: Record) -> list[Span]:
        if self._forward is not None:
            self._forward(record.body, record.signal)
        try:
            return list(DECODERS[record.signal](record.body, record.received_ns))
        except Exception as error:  # noqa: BLE001 - record guard: a request we cannot read must not stop the others
            self._dead_letters.keep_request(segment, place, record.body, error)
            return []

    def _call(self, segment: int, place: int, span: Span) -> Call | None:
        try:
            call = self._to_call(span)
            if call is not None:
                call.cost = self._price(call)
        except Exception as error:  # noqa: BLE001 - record guard: its neighbours live, the span itself is kept too
            self._dead_letters.keep_span(segment, place, span, error)
            return None
        return call

    def _without_unused_events(
        self, spans: list[Span], calls: list[Call | None]
    ) -> tuple[list[Span], list[Call | None]]:
        """The ledger is no store of logs: a record that tells of no call goes no further."""
        kept = [place for place, span in enumerate(spans) if not span.event or calls[place] is not None]
        self._counters.add("spanledger_log_records_unused_total", len(spans) - len(kept))
        return [spans[place] for place in kept], [calls[place] for place in kept]
