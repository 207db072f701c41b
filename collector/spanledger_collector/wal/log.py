"""The write-ahead log: appends from any thread, one writer, one fsync for all that wait for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanledger_collector.model import NotStored
from spanledger_collector.wal.disk import sync, write_all
from spanledger_collector.wal.record import HEADER_BYTES, header
from spanledger_collector.wal.segment import Segment, SegmentIds, own, sealed_segments

if TYPE_CHECKING:
    from pathlib import Path

    from spanledger_collector.model import Signal

logger = logging.getLogger(__name__)
FULL_RETRY_S: Final = 5.0
FAILED_RETRY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is sealed and how much may lie in the log."""

    segment_bytes: int = 8 * 2**20
    segment_age_s: float = 0.5  # after its first record, if nothing is being written to the store; else it may grow
    total_bytes: int = 2**30


@dataclass(slots=True)
class _Pending:
    received_ns: int
    body: bytes
    signal: Signal
    done: Future[None]


@dataclass(slots=True)
class _Open:
    id: int
    descriptor: int
    path: Path
    due: float  # monotonic seconds
    size: int = 0  # bytes known to be whole records


class Log:
    """A directory of segments. Records go in with `append`; sealed segments come out with `take`, oldest first."""

    def __init__(self, directory: Path, limits: Limits = Limits()) -> None:
        """Own the directory and queue what an earlier process left. Raises LogOwned and OSError."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._owner = own(directory)
        self._directory = directory
        self._limits = limits
        self._ids = SegmentIds(directory)
        self._sealed = deque(sealed_segments(directory))
        self._bytes = sum(segment.size for segment in self._sealed)
        self._taken: set[Segment] = set()
        self._pending: list[_Pending] = []
        self._open: _Open | None = None
        self._closing = False
        self._closed = False
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write_until_closed, name="spanledger-log")
        self._writer.start()

    def append(self, received_ns: int, body: bytes, signal: Signal = "traces") -> Future[None]:
        """Done once the record is on the medium, or fails with NotStored. Raises NotStored when the log is full."""
        size = HEADER_BYTES + len(body)
        with self._changed:
            if self._closing:
                raise NotStored("closing", "the collector is shutting down", FULL_RETRY_S)
            if self._bytes + size > self._limits.total_bytes:
                raise NotStored("full", f"the log holds its limit of {self._limits.total_bytes} bytes", FULL_RETRY_S)
            self._bytes += size
            pending = _Pending(received_ns, body, signal, Future())
            pending.done.set_running_or_notify_cancel()  # a waiter that goes away cannot take the record back
            self._pending.append(pending)
            self._changed.notify_all()
        return pending.done

    def take(self, timeout_s: float) -> Segment | None:
        """The oldest sealed segment, which stays in the log until it is `discard`ed; None after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._sealed), timeout_s)
            if not self._sealed:
                return None
            segment = self._sealed.popleft()
            self._taken.add(segment)
            return segment

    def discard(self, segment: Segment) -> None:
        """Delete a segment that the store has. Raises OSError."""
        segment.path.unlink(missing_ok=True)
        with self._changed:
            self._taken.discard(segment)
            self._bytes -= segment.size
            self._changed.notify_all()

    def give_back(self, segment: Segment) -> None:
        """Keep a taken segment for later, at its old place in the order."""
        with self._changed:
            self._taken.discard(segment)
            self._sealed = deque(sorted([segment, *self._sealed]))

    @property
    def queued_bytes(self) -> int:
        """Bytes not yet in the store."""
        return self._bytes

    @property
    def segments(self) -> int:
        """Segments not yet in the store."""
        with self._changed:
            return len(self._sealed) + len(self._taken) + (self._open is not None)

    def seal(self) -> None:
        """Refuse further records, write those that wait and seal the last segment. `take` still works."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()

    def close(self) -> None:
        """Give the directory up. What was not discarded is there at the next start."""
        self.seal()
        if not self._closed:
            self._closed = True
            self._ids.close()
            os.close(self._owner)

    def _write_until_closed(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._seconds_until_due())
                group, self._pending = self._pending, []
                last = self._closing and not group
            if group:
                self._write(group)
            if last or self._is_due():
                self._seal_open()
            if last:
                return

    def _has_work(self) -> bool:
        return bool(self._pending) or self._closing or self._is_due()

    def _is_due(self) -> bool:
        # While the store is busy a segment may grow: fewer, larger inserts are how it catches up.
        busy = bool(self._taken or self._sealed)
        return self._open is not None and not busy and time.monotonic() >= self._open.due

    def _seconds_until_due(self) -> float | None:
        seconds = self._open.due - time.monotonic() if self._open else 0.0
        return seconds if seconds > 0 else None  # overdue: whoever frees the store wakes the writer

    def _write(self, group: list[_Pending]) -> None:
        """Append and sync a group; on a disk error nothing of it counts as written."""
        try:
            segment = self._open or self._create()
            for item in group:
                write_all(segment.descriptor, (header(item.received_ns, item.body, item.signal), item.body))
            sync(segment.descriptor)
        except OSError as error:
            self._fail(group, error)
            return
        segment.size += _size(group)
        for item in group:
            item.done.set_result(None)
        if segment.size >= self._limits.segment_bytes:
            self._seal_open()

    def _create(self) -> _Open:
        segment_id, descriptor = self._ids.create()
        due = time.monotonic() + self._limits.segment_age_s
        self._open = _Open(segment_id, descriptor, self._ids.path(segment_id), due)
        return self._open

    def _fail(self, group: list[_Pending], error: OSError) -> None:
        """Never sync the same file again: after a failed fsync the kernel may call lost pages clean."""
        logger.error("cannot write to the log in %s: %s; senders are asked to come back", self._directory, error)
        with self._changed:
            self._bytes -= _size(group)
        if self._open is not None:
            with suppress(OSError):  # a reader stops at the half-written record as well
                os.ftruncate(self._open.descriptor, self._open.size)
            self._seal_open()
        refusal = NotStored("disk", f"cannot write to {self._directory}: {error.strerror}", FAILED_RETRY_S)
        for item in group:
            item.done.set_exception(refusal)

    def _seal_open(self) -> None:
        if self._open is None:
            return
        segment = Segment(self._open.id, self._open.path, self._open.size)
        with suppress(OSError):  # everything that counts was synced before
            os.close(self._open.descriptor)
        with self._changed:
            self._open = None
            if segment.size:
                self._sealed.append(segment)
            self._changed.notify_all()
        if not segment.size:
            with suppress(OSError):  # left behind it is an empty batch at the next start
                segment.path.unlink()


def _size(group: list[_Pending]) -> int:
    return sum(HEADER_BYTES + len(item.body) for item in group)
