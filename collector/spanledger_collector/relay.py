"""The log passed on: every acknowledged request goes to another backend, and stays in the log until that took it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from spanledger_collector.readable import readable

if TYPE_CHECKING:
    from spanledger_collector.backend import Backend
    from spanledger_collector.counters import Counters
    from spanledger_collector.dead_letters import DeadLetters
    from spanledger_collector.wal import Log, Record, Segment

logger = logging.getLogger(__name__)
CONNECTIONS: Final = 4
FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0
POLL_S: Final = 0.2


class Relay:
    """Works off the log, oldest segment first, over a few connections; what the backend refuses for good is put aside.

    After a crash a segment goes again as a whole: the backend may see a request twice, never none at all.
    """

    def __init__(self, log: Log, backend: Backend, dead_letters: DeadLetters, counters: Counters) -> None:
        self._log, self._backend = log, backend
        self._dead_letters, self._counters = dead_letters, counters
        self._draining = threading.Event()
        self._abandon = threading.Event()
        self._pool = ThreadPoolExecutor(CONNECTIONS, "spanledger-relay")
        self._thread = threading.Thread(target=self._run, name="spanledger-relay")

    def start(self) -> None:
        self._thread.start()

    def drain(self, timeout_s: float) -> bool:
        """Pass on what is sealed, then stop; whether all of it was. What is left stays in the log."""
        self._draining.set()
        if self._thread.ident is None:  # never started: the machine had no thread left
            return not self._log.segments
        self._thread.join(timeout_s)
        self._abandon.set()
        self._thread.join()
        self._pool.shutdown()
        return not self._log.segments

    def _run(self) -> None:
        while not self._abandon.is_set():
            segment = self._log.take(POLL_S)
            if segment is not None:
                self._pass_on(segment)
            elif self._draining.is_set():
                return

    def _pass_on(self, segment: Segment) -> None:
        try:
            sending = [
                self._pool.submit(self._send, segment.id, place, record)
                for place, record in enumerate(readable(segment, self._counters))
            ]
            wait(sending)
            if all(each.result() for each in sending):
                self._log.discard(segment)
                return
        except Exception:  # loop supervisor: the segment stays and is tried again
            logger.exception("segment %d is not passed on, next try in %g s", segment.id, LAST_RETRY_S)
            self._abandon.wait(LAST_RETRY_S)
        self._log.give_back(segment)

    def _send(self, segment: int, place: int, record: Record) -> bool:
        """Try until the backend has answered for good; False when told to stop before."""
        wait_s = FIRST_RETRY_S
        while True:
            answer = self._backend.post(record.body, record.signal)
            if answer.outcome == "accepted":
                self._counters.add("spanledger_forwarded_total")
                return True
            if answer.outcome == "refused":
                self._counters.add("spanledger_forward_dropped_total", reason="refused")
                self._dead_letters.keep_request(segment, place, record.body, RuntimeError(answer.message))
                return True
            self._counters.add("spanledger_forward_failures_total", reason=answer.outcome)
            if self._abandon.wait(max(wait_s, answer.retry_after_s)):
                return False
            wait_s = min(wait_s * 2, LAST_RETRY_S)
