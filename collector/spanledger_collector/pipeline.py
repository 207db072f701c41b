"""From a sealed segment to rows: decode, read calls, price them, leave out what was seen before, write, delete."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spanledger_collector import otlp
from spanledger_collector.recent import RecentSpans, SpanId, identity
from spanledger_collector.wal import Damage, Log, Record, Segment, records

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from spanledger_collector.counters import Counters
    from spanledger_collector.dead_letters import DeadLetters
    from spanledger_collector.model import Call, Cost, Span

logger = logging.getLogger(__name__)
FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0


class Ledger(Protocol):
    """The store, as the pipeline knows it. Both raise whatever their database raises."""

    def write(self, segment: int, calls: Sequence[Call], spans: Sequence[Span]) -> object:
        """Write one batch; written again under the same segment it changes nothing."""

    def known(self, ids: Collection[SpanId], segment: int, *, between: tuple[int, int]) -> set[SpanId]:
        """Those of `ids` that another segment has already stored; `between` are their first and last start, in ns."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What the pipeline is composed of."""

    log: Log
    to_call: Callable[[Span], Call | None]
    price: Callable[[Call], Cost]
    ledger: Ledger
    recent: RecentSpans
    dead_letters: DeadLetters
    counters: Counters
    forward: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    spans: list[Span]
    calls: dict[SpanId, Call]


class Pipeline:
    """One thread that works off the log, oldest segment first, and never gives a segment up."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._counters = stages.counters
        self._draining = threading.Event()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-pipeline")

    def start(self) -> None:
        self._thread.start()

    def drain(self, timeout_s: float) -> bool:
        """Work off what is sealed, then stop; whether all of it was. What is left stays in the log."""
        self._draining.set()
        self._thread.join(timeout_s)
        self._abandon.set()
        self._thread.join()
        return not self._stages.log.segments

    def _run(self) -> None:
        while not self._abandon.is_set():
            segment = self._stages.log.take(timeout_s=0.2)
            if segment is not None:
                self._store(segment)
            elif self._draining.is_set():
                return

    def _store(self, segment: Segment) -> None:
        """Try until it is stored: the log holds new requests meanwhile, and refuses them once it is full."""
        wait_s = FIRST_RETRY_S
        batch: _Batch | None = None
        while True:
            try:
                began = time.perf_counter()
                batch = batch or self._batch(segment)
                self._write(segment, batch)
            except Exception as error:  # noqa: BLE001 - loop supervisor: whatever a database raises, it is tried again
                self._report(segment, error, wait_s)
            else:
                self._counters.observe("spanledger_segment_seconds", time.perf_counter() - began)
                return
            if self._abandon.wait(wait_s):
                self._stages.log.give_back(segment)
                return
            wait_s = min(wait_s * 2, LAST_RETRY_S)

    def _report(self, segment: Segment, error: Exception, wait_s: float) -> None:
        self._counters.add("spanledger_store_failures_total")
        text = (str(error).strip() or "no message").splitlines()[0][:300]
        logger.error(
            "segment %d is not stored, next try in %.1f s: %s: %s", segment.id, wait_s, type(error).__name__, text
        )

    def _batch(self, segment: Segment) -> _Batch:
        spans = self._spans(segment)
        calls = ((span, self._call(segment.id, place, span)) for place, span in enumerate(spans))
        return _Batch(spans, {identity(span): call for span, call in calls if call is not None})

    def _spans(self, segment: Segment) -> list[Span]:
        """Every readable span of a segment, once."""
        found: dict[SpanId, Span] = {}
        count = 0
        for place, record in enumerate(self._records(segment)):
            for span in self._decoded(segment.id, place, record):
                found.setdefault(identity(span), span)
                count += 1
        self._counters.add("spanledger_spans_deduplicated_total", count - len(found))
        return list(found.values())

    def _records(self, segment: Segment) -> Iterator[Record]:
        for item in self._items(segment):
            if isinstance(item, Damage):
                self._counters.add("spanledger_log_damaged_records_total", kind=item.kind)
                log = logger.info if item.kind == "torn" else logger.error
                log("%s: %d bytes at %d are unreadable (%s)", segment.path, item.size, item.offset, item.kind)
            else:
                yield item

    def _items(self, segment: Segment) -> Iterator[Record | Damage]:
        try:
            content = segment.read()
        except FileNotFoundError:
            self._counters.add("spanledger_log_damaged_records_total", kind="missing")
            logger.error("%s is gone: somebody deleted it before the store had it", segment.path)  # noqa: TRY400
            return iter(())
        return records(content)

    def _decoded(self, segment: int, place: int, record: Record) -> list[Span]:
        if self._stages.forward is not None:
            self._stages.forward(record.body)
        try:
            return list(otlp.decode(record.body, record.received_ns))
        except Exception as error:  # noqa: BLE001 - record guard: a request we cannot read must not stop the others
            self._stages.dead_letters.keep_request(segment, place, record.body, error)
            return []

    def _write(self, segment: Segment, batch: _Batch) -> None:
        spans = self._unknown(segment.id, batch.spans)
        calls = [call for span in spans if (call := batch.calls.get(identity(span))) is not None]
        if spans:
            self._stages.ledger.write(segment.id, calls, spans)
        self._stages.recent.add(spans)
        self._stages.log.discard(segment)
        self._count(len(batch.spans) - len(spans), spans, calls)

    def _unknown(self, segment: int, spans: Sequence[Span]) -> Sequence[Span]:
        suspects = self._stages.recent.suspects(spans)
        if not suspects:
            return spans
        starts = [span.start_ns for span in suspects]
        between = (min(starts), max(starts))
        known = self._stages.ledger.known([identity(span) for span in suspects], segment, between=between)
        return [span for span in spans if identity(span) not in known] if known else spans

    def _call(self, segment: int, place: int, span: Span) -> Call | None:
        try:
            call = self._stages.to_call(span)
            if call is not None:
                call.cost = self._stages.price(call)
        except Exception as error:  # noqa: BLE001 - record guard: its neighbours live, the span itself is kept too
            self._stages.dead_letters.keep_span(segment, place, span, error)
            return None
        return call

    def _count(self, known: int, spans: Sequence[Span], calls: Sequence[Call]) -> None:
        self._counters.add("spanledger_segments_written_total")
        self._counters.add("spanledger_spans_deduplicated_total", known)
        self._counters.add("spanledger_spans_written_total", len(spans))
        self._counters.add("spanledger_calls_written_total", len(calls))
        self._counters.add("spanledger_calls_unpriced_total", sum(call.cost.total is None for call in calls))
