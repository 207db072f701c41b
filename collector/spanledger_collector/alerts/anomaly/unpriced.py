"""Models without a price: their calls are of unknown cost, which no total shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.ring import WINDOWS, widened
from spanledger_collector.alerts.anomaly.signal import FIRE, Family, Found, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_HOUR: Final = 4  # of WINDOWS
_LEAST: Final = 20  # calls
_SHARE: Final = 0.5
_DECAY: Final = 0.5 ** (1 / (7 * 24))


class Unpriced:
    """Told once per model: one that has long been without a price is no news, and a finding besides."""

    family: Family = "unpriced"

    def __init__(self) -> None:
        self._past: Floats = np.zeros((2, 0))  # calls with usage, and those without a cost

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._past = widened(self._past, cells)

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:  # noqa: ARG002
        totals = buckets.sum(axis=0) * seen
        self._past = _DECAY * self._past + totals[[AT["sized"], AT["unpriced"]]]

    def settle(self, scope: Scope, view: View) -> None:  # noqa: ARG002
        self._past[:, scope.place] = _LEAST

    def judge(self, view: View) -> Found:
        sums = view.cells.sums[_HOUR]
        unpriced, calls = sums[AT["unpriced"]], sums[AT["calls"]]
        old = (self._past[1] >= _LEAST) & (self._past[1] >= _SHARE * self._past[0])
        ill = (unpriced >= _LEAST) & (unpriced >= _SHARE * calls)
        signals = [self._signal(int(cell), sums) for cell in np.flatnonzero(ill & ~old & (view.usable["unpriced"] > 0))]
        return Found(signals, lambda scope: bool(ill[scope.place]))

    def bands(self, view: View) -> Iterator[Band]:  # noqa: ARG002
        return iter(())

    def _signal(self, cell: int, sums: Floats) -> Signal:
        return Signal(
            family="unpriced",
            kind="unpriced_model",
            scope=Scope("cell", cell),
            minutes=WINDOWS[_HOUR],
            nats=FIRE,
            seen=float(sums[AT["unpriced"], cell]),
            expected=0.0,
            unit="calls without a known cost",
            of=float(sums[AT["calls"], cell]),
        )
