"""The log worked off: one thread reads segments, another leaves out what was seen before, writes, and deletes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from spanledger_collector.tellings import superseded
from spanledger_collector.wal import Damage, records

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from spanledger_collector.counters import Counters
    from spanledger_collector.model import Signal
    from spanledger_collector.reading.batch import Batch, SegmentReader
    from spanledger_collector.recent import RecentSpans, SpanId
    from spanledger_collector.rows import Rows
    from spanledger_collector.tellings import Telling, TellingId
    from spanledger_collector.wal import Log, Segment

logger = logging.getLogger(__name__)
FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0
POLL_S: Final = 0.2
T = TypeVar("T")


class Written(Protocol):
    """What became of a batch. ``cut_values`` attribute values lost their end."""

    @property
    def calls(self) -> int: ...
    @property
    def unpriced_calls(self) -> int: ...
    @property
    def spans(self) -> int: ...
    @property
    def cut_values(self) -> int: ...


class Ledger(Protocol):
    """The store, as the pipeline knows it. Both raise whatever their database raises."""

    def write_rows(self, segment: int, parts: Sequence[Rows]) -> Written:
        """Write one batch; written again under the same segment it changes nothing."""

    def tellings(self, suspects: Sequence[Telling], segment: int) -> list[tuple[Telling, bool]]:
        """What other segments brought that may tell of the same calls, each with whether it is billed."""

    def retell(self, segment: int, retold: Sequence[tuple[Telling, TellingId]]) -> None:
        """These have lost their bill to the calls named; what of them is billed no longer is."""

    def known(self, ids: Collection[SpanId], segment: int, *, between: tuple[int, int]) -> set[SpanId]:
        """Those of `ids` that another segment has already stored; `between` are their first and last start, in ns."""


class Forward(Protocol):
    """Takes a copy of a request on to another backend; never waits, never raises."""

    def __call__(self, body: bytes, signal: Signal) -> None: ...


@dataclass(frozen=True, slots=True)
class Stages:
    """What the pipeline is composed of."""

    log: Log
    reader: SegmentReader
    ledger: Ledger
    recent: RecentSpans
    counters: Counters
    forward: Forward | None = None


class Pipeline:
    """Works off the log, oldest segment first, and never gives a segment up.

    While one batch is being written, which the database does outside Python, the next is read; no more are held.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._counters = stages.counters
        self._draining = threading.Event()
        self._abandon = threading.Event()
        self._batches: queue.Queue[Batch | None] = queue.Queue()
        self._room = threading.Semaphore()  # to read one batch while another is written
        self._reading = threading.Thread(target=self._read, name="spanledger-reader")
        self._writing = threading.Thread(target=self._write, name="spanledger-writer")

    def start(self) -> None:
        self._reading.start()
        self._writing.start()

    def drain(self, timeout_s: float) -> bool:
        """Work off what is sealed, then stop; whether all of it was. What is left stays in the log."""
        self._draining.set()
        _join(self._writing, timeout_s)
        self._abandon.set()
        _join(self._writing)
        _join(self._reading)
        while not self._batches.empty():
            if batch := self._batches.get():
                self._stages.log.give_back(batch.segment)
        return not self._stages.log.segments

    def _read(self) -> None:
        while not self._abandon.is_set():
            if not self._room.acquire(timeout=POLL_S):
                continue
            segment = self._stages.log.take(timeout_s=POLL_S)
            if segment is not None:
                self._until_done(segment, self._hand_over, segment)
                continue
            self._room.release()
            if self._draining.is_set():
                self._batches.put(None)
                return

    def _hand_over(self, segment: Segment) -> None:
        batch = self._stages.reader.read(segment)
        if forward := self._stages.forward:
            _offer(segment, forward)
        self._batches.put(batch)

    def _write(self) -> None:
        while not self._abandon.is_set():
            try:
                batch = self._batches.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if batch is None:
                return
            self._room.release()
            self._until_done(batch.segment, self._store, batch)
            del batch  # or it would be held while the next one is waited for

    def _until_done(self, segment: Segment, step: Callable[[T], None], given: T) -> None:
        """Try until it works: the log holds new requests meanwhile, and refuses them once it is full."""
        wait_s = FIRST_RETRY_S
        while True:
            try:
                step(given)
            except Exception as error:  # noqa: BLE001 - loop supervisor: whatever a database raises, it is tried again
                self._report(segment, error, wait_s)
            else:
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

    def _store(self, batch: Batch) -> None:
        began = time.perf_counter()
        segment, known = batch.segment, self._known(batch)
        retold = self._retold(segment, [told for told in batch.suspects if told.id not in known])
        lost = {told.id for told, _ in retold}
        new = [span for span in batch.spans if span.id not in known] if known else batch.spans
        if new:
            rows = [each.without(known).unbilled(lost) for each in batch.rows]
            self._count(self._stages.ledger.write_rows(segment.id, rows))
        if retold:
            self._stages.ledger.retell(segment.id, retold)
        self._stages.recent.add(new)
        self._stages.log.discard(segment)
        self._counters.add("spanledger_segments_written_total")
        self._counters.add("spanledger_spans_deduplicated_total", len(batch.spans) - len(new))
        self._counters.add("spanledger_calls_retold_total", len(retold))
        self._counters.observe("spanledger_segment_seconds", time.perf_counter() - began)

    def _known(self, batch: Batch) -> set[SpanId]:
        """What another segment has brought to the store."""
        suspects = self._stages.recent.suspects(batch.spans)
        if not suspects:
            return set()
        starts = [span.start_ns for span in suspects]
        between = (min(starts), max(starts))
        return self._stages.ledger.known([span.id for span in suspects], batch.segment.id, between=between)

    def _retold(self, segment: Segment, suspects: Sequence[Telling]) -> list[tuple[Telling, TellingId]]:
        """Who loses the bill by what this segment brings, stored or new, each with the call that keeps it.

        The better telling is written before the other is taken out, and both before the segment goes: interrupted
        anywhere, the segment read again ends with the same rows.
        """
        if not suspects:
            return []
        stored = self._stages.ledger.tellings(suspects, segment.id)
        lost = superseded([*suspects, *(told for told, _ in stored)])
        losers = [*suspects, *(told for told, is_billed in stored if is_billed)]
        return [(told, lost[told.id]) for told in losers if told.id in lost]

    def _count(self, written: Written) -> None:
        self._counters.add("spanledger_values_cut_total", written.cut_values)
        self._counters.add("spanledger_spans_written_total", written.spans)
        self._counters.add("spanledger_calls_written_total", written.calls)
        self._counters.add("spanledger_calls_unpriced_total", written.unpriced_calls)


def _offer(segment: Segment, forward: Forward) -> None:
    with suppress(FileNotFoundError):  # the reader has told
        for record in records(segment.read()):
            if not isinstance(record, Damage):
                forward(record.body, record.signal)


def _join(thread: threading.Thread, timeout_s: float | None = None) -> None:
    if thread.ident is not None:  # else it was never started: the machine had no thread left
        thread.join(timeout_s)
