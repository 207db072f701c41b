"""Mean log latency against the cell's own: whole calls, at equal length of the answer, and time to the first chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import HOUR, mean
from spanledger_collector.alerts.anomaly.baseline import Line, Means
from spanledger_collector.alerts.anomaly.evidence import mean_shift
from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.incidents import cells_of
from spanledger_collector.alerts.anomaly.ring import WINDOWS
from spanledger_collector.alerts.anomaly.shift import BOTH, halves, lasting
from spanledger_collector.alerts.anomaly.signal import FIRE, Family, Found, Moved, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_TESTED: Final = slice(1, len(WINDOWS))
_TESTED_MINUTES: Final = WINDOWS[1:]
_TIMED: Final = [AT[name] for name in ("timed", "log_ms", "log_ms2", "log_out", "log_out2", "log_ms_out")]
_FIRST: Final = [AT[name] for name in ("first", "log_first", "log_first2")]
_SLOWER: Final = float(np.log(1.25))
_LEAST: Final = 6  # calls in the window
_KNOWN: Final = 100.0  # calls learned from


class Latency:
    """Only the time to a whole answer goes with its length; the time to the first chunk does not."""

    family: Family = "latency"

    def __init__(self, kind: str, unit: str, *, first_chunk: bool) -> None:
        self._kind, self._unit, self._first = kind, unit, first_chunk
        self._means, self._line = Means(), Line()

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._means.widen(cells)
        self._line.widen(cells)

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:  # noqa: ARG002
        totals = buckets.sum(axis=0) * seen
        self._means.learn(*self._adjusted(totals), hour.hour)
        if not self._first:
            self._line.learn(totals[_TIMED])
            self._means.rebase(*self._line.adjusted())

    def settle(self, scope: Scope, view: View) -> None:
        count, shift, _ = self._six_hours(view)
        off = (count[BOTH] >= _LEAST) & (np.abs(shift[BOTH]) >= _SLOWER / 2)
        for cell in cells_of(scope, view):
            if off[cell]:
                self.move(int(cell), float(shift[BOTH, cell]))

    def move(self, cell: int, off: float) -> None:
        if self._first:
            self._means.move(cell, off)
        else:
            self._line.move(cell, off)
            self._means.rebase(*self._line.adjusted())

    def moved(self, view: View) -> Moved:
        count, shift, variance = self._six_hours(view)
        sums = view.cells.sums[-1]
        after = np.exp(sums[AT["log_first" if self._first else "log_ms"]] / np.maximum(count[BOTH], 1.0))
        known = self._means.count >= _KNOWN
        name = "first_chunk_ms" if self._first else "duration_ms"
        lasts = lasting(count, shift, variance) & known
        return Moved(name, "ms", after * np.exp(-shift[BOTH]), after, shift[BOTH], lasts)

    def _six_hours(self, view: View) -> tuple[Floats, Floats, Floats]:
        """Calls, shift and its variance: of the first three hours, of the last three, and of all six."""
        count, total, _ = self._adjusted(halves(view.cells))
        shift = total / np.maximum(count, 1.0) - self._means.overall - self._means.habit(view.now.hour, 6)
        return count, shift, self._means.variance / np.maximum(count, 1.0) + self._means.wander

    def judge(self, view: View) -> Found:
        count, shift, variance = self._shift(view, view.cells.sums[_TESTED])
        nats = mean_shift(shift, variance)
        known = (self._means.count >= _KNOWN) & (count >= _LEAST)
        usable = np.array(_TESTED_MINUTES)[:, None] <= view.usable["latency"]
        slow = np.where(known & usable & (shift >= _SLOWER), nats, 0.0)
        signals = list(self._signals(slow, shift, count, view))
        still = (count >= 3) & (shift >= _SLOWER / 2) & (nats >= 2.0)  # noqa: PLR2004
        ill: NDArray[np.bool_] = np.asarray(still[1:4].any(axis=0))  # a quarter of an hour to an hour
        return Found(signals, lambda scope: _lingers(scope, ill, view))

    def bands(self, view: View) -> Iterator[Band]:
        sums = view.cells.sums[HOUR]
        count, shift, variance = self._shift(view, sums)
        shift = np.where(self._means.count >= _KNOWN, shift, np.nan)
        names = ("first_chunk_ms", "first", "log_first") if self._first else ("duration_ms", "timed", "log_ms")
        yield mean((names[0], "ms"), (count, sums[AT[names[2]]]), shift, variance, view)

    def _shift(self, view: View, sums: Floats) -> tuple[Floats, Floats, Floats]:
        """Calls, how far their mean is from what was expected, and the variance of that."""
        count, total, _ = self._adjusted(sums)
        shift = total / np.maximum(count, 1.0) - self._means.expected(view.now.hour)
        return count, shift, self._means.variance / np.maximum(count, 1.0) + self._means.wander

    def _adjusted(self, sums: Floats) -> tuple[Floats, Floats, Floats]:
        """Calls, and the sum and sum of squares of their log duration less what the length of the answer explains."""
        if not self._first:
            return self._line.adjusted(sums[..., _TIMED, :])
        count, total, squares = np.moveaxis(sums[..., _FIRST, :], -2, 0)
        return count, total, squares

    def _signals(self, slow: Floats, shift: Floats, count: Floats, view: View) -> Iterator[Signal]:
        strong = np.flatnonzero(slow.max(axis=0) >= FIRE)
        told = set[int]()
        for provider, cells in view.providers.items():
            mine = np.intersect1d(strong, cells)
            if _is_provider_wide(mine, cells, count, view):
                told |= set(mine.tolist())
                yield self._signal(Scope("provider", provider=provider), slow[:, mine], shift[:, mine], count[:, mine])
        for cell in strong:
            if int(cell) not in told:
                one = [int(cell)]
                yield self._signal(Scope("cell", int(cell)), slow[:, one], shift[:, one], count[:, one])

    def _signal(self, scope: Scope, slow: Floats, shift: Floats, count: Floats) -> Signal:
        place = int(slow.sum(axis=1).argmax())
        return Signal(
            family="latency",
            kind=self._kind,
            scope=scope,
            minutes=_TESTED_MINUTES[place],
            nats=float(slow[place].sum()),
            seen=float(np.exp(shift[place].mean())),
            expected=1.0,
            unit=self._unit,
            of=float(count[place].sum()),
            dimension={"provider": scope.provider} if scope.provider else {},
        )


def _is_provider_wide(slow: NDArray[np.int64], cells: NDArray[np.int64], count: Floats, view: View) -> bool:
    if len(slow) < 3:  # noqa: PLR2004
        return False
    services = {list(view.places.cells)[cell].service for cell in slow.tolist()}
    busy = (count[:, cells].max(axis=0) >= _LEAST).sum()
    return len(services) > 1 and len(slow) >= 0.5 * int(busy)


def _lingers(scope: Scope, ill: NDArray[np.bool_], view: View) -> bool:
    if scope.level == "provider":
        return int(ill[view.providers[scope.provider]].sum()) > 1
    return bool(ill[scope.place])
