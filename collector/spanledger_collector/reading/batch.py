"""From a sealed segment to rows of priced calls: decode, read, price, pack.

What cannot be read is put aside; its neighbours live. It goes in pieces, so that of a large segment few spans are
objects at one time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spanledger_collector import otlp, otlp_logs
from spanledger_collector.readable import readable
from spanledger_collector.recent import Seen, SpanId
from spanledger_collector.tellings import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from spanledger_collector.counters import Counters
    from spanledger_collector.dead_letters import DeadLetters
    from spanledger_collector.model import Call, Cost, Signal, Span
    from spanledger_collector.rows import Rows
    from spanledger_collector.tellings import Emitters, Telling
    from spanledger_collector.wal import Record, Segment

PIECE: Final = 500  # spans: what is made of them stays near the processor
DECODERS: Final[Mapping[Signal, Callable[[bytes, int], Iterable[Span]]]] = {
    "traces": otlp.decode,
    "logs": otlp_logs.decode,
    "metrics": lambda _body, _received_ns: (),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What one segment holds: each span once, the calls told in them as rows, piece by piece, and which of these calls
    another span may tell of too. The calls themselves are in the rows alone.
    """

    segment: Segment
    spans: list[Seen]
    rows: list[Rows]
    suspects: list[Telling]


class SegmentReader(Protocol):
    """Reads segments, of which it changes nothing: one may be read again."""

    def read(self, segment: Segment) -> Batch:
        """Raises OSError when the medium does."""


class Reader:
    """Reads in this process."""

    def __init__(
        self,
        to_call: Callable[[Span], Call | None],
        price: Callable[[Call], Cost],
        pack: Callable[[Sequence[Call], Sequence[Span]], Rows],
        dead_letters: DeadLetters,
        counters: Counters,
        *,
        emitters: Emitters,
    ) -> None:
        self._to_call, self._price, self._pack = to_call, price, pack
        self._dead_letters, self._counters, self._emitters = dead_letters, counters, emitters

    def read(self, segment: Segment) -> Batch:
        """Raises OSError when the medium does."""
        rows: list[Rows] = []
        spans, suspects = self.in_pieces(segment, rows.append)
        return Batch(segment, spans, rows, suspects)

    def in_pieces(self, segment: Segment, take: Callable[[Rows], None]) -> tuple[list[Seen], list[Telling]]:
        """Spans and suspects of a batch, whose rows `take` is given as they come. Raises OSError as `read` does."""
        seen: list[Seen] = []
        billed: list[Call] = []
        place = 0
        for spans in self._pieces(segment):
            calls = [self._call(segment.id, at, span) for at, span in enumerate(spans, place)]
            place += len(spans)
            kept, calls = self._without_unused_events(spans, calls)
            told = [call for call in calls if call is not None]
            seen.extend(Seen(span.trace_id, span.span_id, span.start_ns) for span in kept)
            billed.extend(told)
            take(self._pack(told, kept))
        return seen, [telling(call) for call in self._emitters.suspects(billed)]

    def _pieces(self, segment: Segment) -> Iterator[list[Span]]:
        """Each span once, some at a time, in the order of the log."""
        found: set[SpanId] = set()
        piece: list[Span] = []
        count = 0
        for place, record in enumerate(readable(segment, self._counters)):
            for span in self._decoded(segment.id, place, record):
                count += 1
                key = span.trace_id, span.span_id
                if key not in found:
                    found.add(key)
                    piece.append(span)
            if len(piece) >= PIECE:
                yield piece
                piece = []
        if piece:
            yield piece
        self._counters.add("spanledger_spans_deduplicated_total", count - len(found))

    def _decoded(self, segment: int, place: int, record: Record) -> list[Span]:
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
        if not any(span.event for span in spans):
            return spans, calls
        kept = [place for place, span in enumerate(spans) if not span.event or calls[place] is not None]
        self._counters.add("spanledger_log_records_unused_total", len(spans) - len(kept))
        return [spans[place] for place in kept], [calls[place] for place in kept]
