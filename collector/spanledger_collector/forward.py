"""The same OTLP, byte for byte, on to another backend. A copy beside the ledger: it never holds the ledger up."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spanledger_collector.backend import Backend
    from spanledger_collector.counters import Counters
    from spanledger_collector.model import Signal

QUEUE_BYTES: Final = 64 * 2**20
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Forwarder:
    """A bounded queue and one thread that posts it. What does not fit or is refused is dropped, and counted."""

    def __init__(self, backend: Backend, counters: Counters, queue_bytes: int = QUEUE_BYTES) -> None:
        self._backend = backend
        self._counters, self._queue_bytes = counters, queue_bytes
        self._queue: deque[tuple[bytes, Signal]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-forward", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    def offer(self, body: bytes, signal: Signal) -> None:
        """Queue a request; never waits."""
        with self._changed:
            if self._bytes + len(body) > self._queue_bytes:
                self._counters.add("spanledger_forward_dropped_total", reason="queue_full")
                return
            self._bytes += len(body)
            self._queue.append((body, signal))
            self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Send what is queued, for at most `timeout_s`; the rest is counted as dropped."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout_s)
        self._abandon.set()
        if self._queue:
            self._counters.add("spanledger_forward_dropped_total", len(self._queue), reason="shutdown")

    def _run(self) -> None:
        while not self._abandon.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing.is_set())
                if not self._queue:
                    return
                body, signal = self._queue[0]
            self._send(body, signal)
            with self._changed:
                self._queue.popleft()
                self._bytes -= len(body)

    def _send(self, body: bytes, signal: Signal) -> None:
        for wait_s in (*RETRIES_S, None):
            answer = self._backend.post(body, signal)
            if answer.outcome == "accepted":
                self._counters.add("spanledger_forwarded_total")
                return
            if wait_s is None or answer.outcome == "refused" or self._abandon.wait(max(wait_s, answer.retry_after_s)):
                self._counters.add("spanledger_forward_dropped_total", reason=answer.outcome)
                return
            self._counters.add("spanledger_forward_failures_total", reason=answer.outcome)
