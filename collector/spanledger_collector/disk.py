"""How much disk the ledger takes, and a warning before it takes more than it may."""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from spanledger_collector.counters import Counters

logger = logging.getLogger(__name__)
GIB: Final = 2**30
WARN_AT: Final = 0.8  # of the budget
WARN_FREE: Final = 0.05  # of the file system
REMEDY: Final = "keep rows for fewer days (--keep-spans, --keep-calls), raise --disk-budget, or move to a server"
_DAY_S: Final = 86_400.0
_LOOKS: Final = 1440  # of growth: a day, one a minute


class Disk:
    """`tick` looks; `describe` tells what was seen last. Sizes are bytes; a budget of 0 is none."""

    def __init__(self, data: Path, budget: int, used: Callable[[], int], counters: Counters) -> None:
        self._data, self._budget, self._used = data, budget, used
        self._seen: deque[tuple[datetime, int]] = deque(maxlen=_LOOKS)
        self._warned = False
        counters.watch("spanledger_disk_used_bytes", lambda: self._last)
        counters.watch("spanledger_disk_budget_bytes", lambda: self._budget)
        counters.watch("spanledger_disk_free_bytes", lambda: self._free()[0])

    def tick(self, now: datetime) -> None:
        """Look, and log once when it gets tight; again only after it was well."""
        self._seen.append((now, self._used()))
        warning = self.warning()
        if warning and not self._warned:
            logger.warning("%s: %s", warning, REMEDY)
        self._warned = bool(warning)

    def warning(self) -> str:
        """Empty, or what gets tight."""
        free, size = self._free()
        if self._budget and self._last >= WARN_AT * self._budget:
            days = self._days_left()
            when = "" if days is None else f", at this growth used up in {days:.1f} days"
            return f"log and store take {self._last / GIB:.2f} of their {self._budget / GIB:.2f} GiB{when}"
        if size and free < WARN_FREE * size:
            return f"the disk of {self._data} has {free / GIB:.2f} GiB left of {size / GIB:.2f}"
        return ""

    def describe(self) -> dict[str, Any]:
        """JSON-ready; `days_left` is null without a budget or without growth."""
        return {
            "used_bytes": self._last,
            "budget_bytes": self._budget or None,
            "free_bytes": self._free()[0],
            "days_left": self._days_left(),
            "warning": self.warning(),
        }

    @property
    def _last(self) -> int:
        return self._seen[-1][1] if self._seen else 0

    def _days_left(self) -> float | None:
        if not self._budget or len(self._seen) < 2:  # noqa: PLR2004 - growth is between two
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        grown, days = last - first, (ended - began).total_seconds() / _DAY_S
        if grown <= 0 or days <= 0:
            return None
        return max(0.0, (self._budget - last) / (grown / days))

    def _free(self) -> tuple[int, int]:
        """Bytes free for this user and in all, of the file system of the data directory."""
        try:
            found = os.statvfs(self._data)
        except OSError:
            return 0, 0
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
