"""Prompt caches that stop being read: the share of calls without a hit against the cell's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import HOUR, share
from spanledger_collector.alerts.anomaly.baseline import Rates
from spanledger_collector.alerts.anomaly.evidence import too_many
from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.incidents import cells_of
from spanledger_collector.alerts.anomaly.ring import WINDOWS
from spanledger_collector.alerts.anomaly.shift import halves
from spanledger_collector.alerts.anomaly.signal import FIRE, Family, Found, Moved, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_KNOWN: Final = 100.0  # calls learned from
_WORTH: Final = 0.15  # usual share of hits below which there is no cache to lose
_FALL: Final = 0.65  # of the usual share
_LEAST: Final = 8  # calls in the window
_MOVED: Final = 0.1  # of the calls


class Cache:
    family: Family = "cache"

    def __init__(self) -> None:
        self._misses = Rates(1)

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._misses.widen(cells)

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:  # noqa: ARG002
        totals = buckets.sum(axis=0) * seen
        self._misses.learn((totals[AT["sized"]] - totals[AT["hits"]])[None], totals[AT["sized"]])

    def settle(self, scope: Scope, view: View) -> None:
        of, hits = view.cells.sums[-1, AT["sized"]], view.cells.sums[-1, AT["hits"]]
        for cell in cells_of(scope, view):
            if of[cell] >= _LEAST:
                self.move(int(cell), float(1 - hits[cell] / of[cell] - self._misses.rate[0, cell]))

    def move(self, cell: int, off: float) -> None:
        self._misses.move(cell, off)

    def moved(self, view: View) -> Moved:
        sums, usual = halves(view.cells), 1 - self._misses.rate[0]
        of, hits = sums[:, AT["sized"]], sums[:, AT["hits"]]
        off = hits / np.maximum(of, 1.0) - usual
        nats = np.maximum(too_many(of - hits, of, 1 - usual), too_many(hits, of, usual)) / self._misses.dispersion[0]
        alike = (off[0] * off[1] > 0) & (np.abs(off[:2]) >= np.abs(off[2]) / 2).all(axis=0)
        sure = (nats[2] >= FIRE) & (np.abs(off[2]) >= _MOVED) & (of[:2] >= _LEAST).all(axis=0)
        lasts = alike & sure & (self._misses.of >= _KNOWN)
        return Moved("cache_hit_share", "share of calls", usual, usual + off[2], -off[2], lasts)

    def judge(self, view: View) -> Found:
        of, hits = view.cells.sums[:, AT["sized"]], view.cells.sums[:, AT["hits"]]
        usual = 1 - self._misses.rate[0]
        nats = too_many(of - hits, of, self._misses.upper[0]) / self._misses.dispersion[0]
        fallen = (usual >= _WORTH) & (hits / np.maximum(of, 1.0) <= _FALL * usual)
        usable = np.array(WINDOWS)[:, None] <= view.usable["cache"]
        lost = np.where(fallen & usable & (self._misses.of >= _KNOWN) & (of >= _LEAST), nats, 0.0)
        signals = [self._signal(int(cell), lost, of, hits) for cell in np.flatnonzero(lost.max(axis=0) >= FIRE)]
        ill = (fallen & (nats >= 2.0))[3:].any(axis=0)  # noqa: PLR2004 - half an hour and longer
        return Found(signals, lambda scope: bool(ill[scope.place]))

    def bands(self, view: View) -> Iterator[Band]:
        of, hits = view.cells.sums[HOUR, AT["sized"]], view.cells.sums[HOUR, AT["hits"]]
        known = np.where(self._misses.of >= _KNOWN, 1 - self._misses.rate[0], np.nan)
        yield share("cache_hit_share", hits, of, (known, self._misses.dispersion[0]), view)

    def _signal(self, cell: int, lost: Floats, of: Floats, hits: Floats) -> Signal:
        place = int(lost[:, cell].argmax())
        return Signal(
            family="cache",
            kind="cache_collapse",
            scope=Scope("cell", cell),
            minutes=WINDOWS[place],
            nats=float(lost[place, cell]),
            seen=float(hits[place, cell]),
            expected=float((1 - self._misses.rate[0, cell]) * of[place, cell]),
            unit="calls that read the cache",
            of=float(of[place, cell]),
        )
