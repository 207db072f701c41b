"""Which version answers in each cell and since when; what a deploy changed for good is told once, then usual.

A version takes over when it was the one most calls told of in three successive buckets that had calls; a canary with
less than that changes nothing. One that returns after a change was rolled back to: its own levels are usual again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.facts import Bucket

LASTS: Final = timedelta(hours=6)  # after which what a deploy changed is no passing trouble
TIED: Final = timedelta(hours=2)  # so long before an incident a deploy may be its cause
_KEPT: Final = timedelta(days=14)
_IN_A_ROW: Final = 3
_BACK_IN_A_ROW: Final = 2  # of a version whose levels are known: soon enough to be no trouble


@dataclass(frozen=True, slots=True)
class Deploy:
    """``version`` answers most calls of a cell since ``at``, instead of ``before``."""

    at: datetime
    version: str
    before: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a deploy made of a series; ``by`` is how far, as the watch of that series counts."""

    deploy: Deploy
    told: datetime
    cell: int
    series: str
    unit: str
    before: float
    after: float
    by: float


class Deploys:
    """Bounded: the latest deploy of each cell, and the changes of two weeks."""

    def __init__(self) -> None:
        self.latest: dict[int, Deploy] = {}
        self.changes: list[Change] = []
        self._standing: list[Change] = []  # those of them that no rollback has undone
        self._main: dict[int, str] = {}
        self._rising: dict[int, tuple[str, int, datetime]] = {}  # version, buckets in a row, start of the first one

    def push(self, bucket: Bucket, step: timedelta) -> Iterator[tuple[int, bool]]:
        """The cells in which a version whose levels are known comes back, and whether it has taken over."""
        for cell, version in enumerate(bucket.versions):
            main = self._main.get(cell, "")
            if not version or version == main:
                if version:
                    self._rising.pop(cell, None)
                continue
            known = any(one.cell == cell and one.deploy.before == version for one in self._standing)
            count, start = self._risen(cell, version, bucket.end - step)
            taken = count >= (_BACK_IN_A_ROW if known else _IN_A_ROW)
            if taken:
                self._take(cell, Deploy(start, version, main))
            if known:
                yield cell, taken

    def due(self, now: datetime) -> Iterator[tuple[int, Deploy]]:
        """Asked every hour, each deploy once: those that have lasted long enough."""
        for cell, deploy in self.latest.items():
            if LASTS <= now - deploy.at < LASTS + timedelta(hours=1):
                yield cell, deploy

    def cause(self, cell: int, since: datetime, detected: datetime) -> Deploy | None:
        """The latest deploy that an incident may be due to. What took days to be seen was no step."""
        deploy = self.latest.get(cell)
        earliest = max(since, detected - timedelta(days=1)) - TIED
        return deploy if deploy and earliest <= deploy.at <= detected else None

    def record(self, change: Change) -> None:
        self.changes = [one for one in self.changes if change.told - one.told < _KEPT]
        self.changes.append(change)
        self._standing = [one for one in self._standing if change.told - one.told < _KEPT]
        self._standing.append(change)

    def undo(self, cell: int) -> dict[str, float]:
        """By series, how far it had been moved from the levels of the version that has just taken over again."""
        mine = [one for one in self._standing if one.cell == cell]
        first = next((place for place, one in enumerate(mine) if one.deploy.before == self._main[cell]), len(mine))
        moved: dict[str, float] = defaultdict(float)
        for change in mine[first:]:
            moved[change.series] += change.by
            self._standing.remove(change)
        return moved

    def _risen(self, cell: int, version: str, start: datetime) -> tuple[int, datetime]:
        """In how many buckets in a row it was the main one, and since when."""
        name, count, first = self._rising.get(cell, (version, 0, start))
        count, first = (count + 1, first) if name == version else (1, start)
        self._rising[cell] = version, count, first
        return count, first

    def _take(self, cell: int, deploy: Deploy) -> None:
        del self._rising[cell]
        self._main[cell] = deploy.version
        if deploy.before:
            self.latest[cell] = deploy
