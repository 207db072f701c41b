"""A thread that asks again and again what the ledger shows by now."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.counters import Counters

logger = logging.getLogger(__name__)
MOST_PAUSE_S: Final = 900.0  # however long one evaluation took
STOP_S: Final = 15.0  # longer than one delivery of an alert may take
_LOOK_S: Final = 0.2  # how often who waits for a turn looks whether it is stopped


class Periodic:
    """Calls ``tick`` with the time, UTC, at once and then every ``interval_s``, until it is stopped; later where it
    would otherwise be at work for more than ``share`` of the time. Those with the same ``turns`` work one at a time.
    While the collector is ``busy`` the next evaluation waits, a quarter of an hour at most.
    """

    def __init__(
        self,
        name: str,
        interval_s: float,
        tick: Callable[[datetime], None],
        counters: Counters,
        *,
        share: float = 1.0,
        turns: threading.Lock | None = None,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._share, self._turns, self._busy = share, turns or threading.Lock(), busy
        self._name, self._interval_s, self._tick, self._counters = name, interval_s, tick, counters
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"spanledger-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for the evaluation under way, for a while."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._give_way()
            if self._stopped.is_set() or not self._turns.acquire(timeout=_LOOK_S):
                continue
            begun = time.monotonic()
            try:
                self._supervised()
            finally:
                self._turns.release()
            self._stopped.wait(self.pause_s(time.monotonic() - begun))

    def _give_way(self) -> None:
        latest = time.monotonic() + MOST_PAUSE_S
        while self._busy() and time.monotonic() < latest and not self._stopped.wait(_LOOK_S):
            pass

    def pause_s(self, took_s: float) -> float:
        """How long to wait after an evaluation that took so many seconds."""
        return max(self._interval_s, min(took_s * (1 / self._share - 1), MOST_PAUSE_S))

    def _supervised(self) -> None:
        try:
            self._tick(datetime.now(timezone.utc))
        except Exception:  # loop supervisor: whatever the database raises, the next evaluation comes
            self._counters.add("spanledger_evaluation_failures_total", what=self._name)
            logger.exception("evaluation of %s failed; it is tried again in %g s", self._name, self._interval_s)
        else:
            self._counters.add("spanledger_evaluations_total", what=self._name)
