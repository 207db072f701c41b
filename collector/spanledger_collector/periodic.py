"""A thread that asks again and again what the ledger shows by now."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.counters import Counters

logger = logging.getLogger(__name__)
STOP_S: Final = 15.0  # longer than one delivery of an alert may take


class Periodic:
    """Calls ``tick`` with the time, UTC, at once and then every ``interval_s``, until it is stopped."""

    def __init__(self, name: str, interval_s: float, tick: Callable[[datetime], None], counters: Counters) -> None:
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
            self._supervised()
            self._stopped.wait(self._interval_s)

    def _supervised(self) -> None:
        try:
            self._tick(datetime.now(timezone.utc))
        except Exception:  # loop supervisor: whatever the database raises, the next evaluation comes
            self._counters.add("spanledger_evaluation_failures_total", what=self._name)
            logger.exception("evaluation of %s failed; it is tried again in %g s", self._name, self._interval_s)
        else:
            self._counters.add("spanledger_evaluations_total", what=self._name)
