"""The last two weeks as they were judged: each group's hours, what was expected of them, and what was found."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import Band, around
from spanledger_collector.alerts.anomaly.ring import widened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.bands import Parts
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.incidents import Incident

KEPT: Final = timedelta(days=14)
_HOURS: Final = KEPT // timedelta(hours=1)
PARTS: Final = ("calls", "model", "tokens", "cache", "price")
_WANDER_DECAY: Final = 0.5 ** (1 / (7 * 24))
_WANDER_PRIOR: Final = 0.01  # of the log of an hour's cost a call, worth a day


class Trail:
    """Bounded: so many hours, four numbers for each series and group."""

    def __init__(self) -> None:
        self._groups = 0
        self._hours = np.full(_HOURS, -1, dtype=np.int64)
        self._units: dict[str, str] = {}
        self._series: dict[str, Any] = {}  # float32 [hour, 4, group]
        self._ratios: Any = np.full((_HOURS, len(PARTS), 0), np.nan, np.float32)
        self._wander: Floats = np.zeros((2, 0))
        self.told: list[Incident] = []

    def record(self, now: datetime, bands: Iterable[Band], parts: Parts, clean: Floats) -> None:
        """The hour that ends ``now``; ``clean`` is 0 for groups with an incident under way."""
        self._widen(len(clean))
        hour = int(now.timestamp()) // 3600 - 1
        row = hour % _HOURS
        self._hours[row] = hour
        by_name = {band.name: band for band in bands}
        cost = self._cost(by_name["calls"], parts, clean)
        for band in (*by_name.values(), cost):
            self._units[band.name] = band.unit
            rows = self._series.setdefault(band.name, np.full((_HOURS, 4, self._groups), np.nan, np.float32))
            rows[row] = np.stack([band.seen, band.expected, band.lower, band.upper])
        calls = by_name["calls"].seen / np.where(by_name["calls"].expected > 0, by_name["calls"].expected, np.nan)
        self._ratios[row] = np.stack([calls, *(parts.ratios[name] for name in PARTS[1:])])
        self.told = [one for one in self.told if not one.until or now - one.until < KEPT]

    def points(self, group: int, start: datetime, end: datetime) -> Iterator[tuple[str, str, list[Any]]]:
        """Of every series name, unit and, oldest first, hours: start in UTC seconds, seen, expected, lower, upper."""
        rows = self._rows(start, end)
        for name, series in self._series.items():
            if group < series.shape[-1]:
                yield name, self._units[name], [(int(self._hours[row]) * 3600, *series[row, :, group]) for row in rows]

    def cause(self, group: int, start: datetime, end: datetime) -> dict[str, float]:
        """By part, how many times the usual cost it made of that stretch."""
        rows = self._rows(start.replace(minute=0, second=0, microsecond=0), end)
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(self._ratios[rows, :, group].astype(np.float64))
        known = np.isfinite(logs)
        means = np.where(known, logs, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        some = known.any(axis=0)
        return {part: float(np.exp(means[at])) for at, part in enumerate(PARTS) if some[at]}

    def _rows(self, start: datetime, end: datetime) -> list[int]:
        first, last = start.timestamp() / 3600, end.timestamp() / 3600
        rows = np.flatnonzero((self._hours >= first) & (self._hours < last))
        ordered: list[int] = rows[np.argsort(self._hours[rows])].tolist()
        return ordered

    def _cost(self, calls: Band, parts: Parts, clean: Floats) -> Band:
        """Expected calls at the usual cost a call; its own wander is learned from hours without an incident."""
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.log(parts.seen / parts.usual)
        known = np.isfinite(off) & (clean > 0)
        square = np.minimum(np.where(known, off, 0.0) ** 2, 1.0)
        self._wander = _WANDER_DECAY * self._wander + np.stack([square, known.astype(np.float64)])
        own = (self._wander[0] + 24 * _WANDER_PRIOR) / (self._wander[1] + 24)
        relative = np.maximum(calls.upper - calls.expected, 0.0) / np.maximum(calls.expected, 1e-9) / 3.0
        expected = calls.expected * np.where(parts.usual > 0, parts.usual, np.nan)
        seen = np.where(calls.seen > 0, np.nan_to_num(parts.seen) * calls.seen, 0.0)
        return around("cost_usd", "US dollars", seen, expected, expected * np.sqrt(relative**2 + own))

    def _widen(self, groups: int) -> None:
        self._groups = groups
        self._wander = widened(self._wander, groups)
        self._ratios = widened(self._ratios, groups, np.nan).astype(np.float32, copy=False)
        for name, series in self._series.items():
            self._series[name] = widened(series, groups, np.nan).astype(np.float32, copy=False)
