"""Prompts and answers that grow: days against the weeks before them, too slow for anyone's window of minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import mean
from spanledger_collector.alerts.anomaly.baseline import Means
from spanledger_collector.alerts.anomaly.evidence import mean_shift
from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.incidents import cells_of
from spanledger_collector.alerts.anomaly.ring import widened
from spanledger_collector.alerts.anomaly.shift import BOTH, lasting
from spanledger_collector.alerts.anomaly.signal import FIRE, Family, Found, Moved, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_HOURS: Final = (6, 24, 72, 168)
_LAG: Final = _HOURS[-1]  # hours before they become the past: a creep must not be its own baseline
_KNOWN: Final = 100.0  # calls learned from
_LEAST: Final = 6  # calls in six hours from which they tell a level
_DAYS_OF_PAST: Final = 4


class Creep:
    family: Family = "tokens"

    def __init__(self, kind: str, unit: str, measures: tuple[str, str, str], growth: float) -> None:
        self._kind, self._unit, self._growth = kind, unit, float(np.log(growth))
        self._series = "input_tokens" if "log_in" in measures else "output_tokens"
        self._columns = [AT[name] for name in measures]
        self._means = Means()
        self._hours: Floats = np.zeros((_LAG, 3, 0))
        self._learned: Floats = np.zeros(0)  # hours with calls that became the past
        self._clean: Floats = np.zeros((_LAG, 0))  # 1 where the hour saw no incident
        self._hour = -1
        self._running: Floats = np.zeros((3, 0))
        self._ill: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._means.widen(cells)
        self._hours, self._running = widened(self._hours, cells), widened(self._running, cells)
        self._learned, self._clean = widened(self._learned, cells), widened(self._clean, cells)
        self._ill = np.append(self._ill, np.zeros(cells - len(self._ill), np.bool_))

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:
        """Everything here moves by the hour, and the past is learned when it leaves the week."""

    def settle(self, scope: Scope, view: View) -> None:
        count, shift, _ = self._six_hours()
        off = (count[BOTH] >= _LEAST) & (np.abs(shift[BOTH]) >= self._growth / 2)
        for cell in cells_of(scope, view):
            if off[cell]:
                self.move(int(cell), float(shift[BOTH, cell]))

    def move(self, cell: int, off: float) -> None:
        """The hours of the week before these six are of the old level, and never become the past."""
        self._means.move(cell, off)
        self._clean[np.arange(self._hour + 1, self._hour + 1 + _LAG - 6) % _LAG, cell] = 0.0

    def moved(self, view: View) -> Moved:  # noqa: ARG002
        count, shift, variance = self._six_hours()
        before = np.exp(self._means.overall)
        known = (self._means.count >= _KNOWN) & (self._learned >= _DAYS_OF_PAST * 12)
        after, lasts = before * np.exp(shift[BOTH]), lasting(count, shift, variance) & known
        return Moved(self._series, "tokens a call", before, after, shift[BOTH], lasts)

    def _six_hours(self) -> tuple[Floats, Floats, Floats]:
        """Calls, shift and its variance: of the first three hours, of the last three, and of all six."""
        whole, last = self._last(6), self._last(3)
        count, total, _ = np.moveaxis(np.stack([whole - last, last, whole]), 1, 0)
        shift = total / np.maximum(count, 1.0) - self._means.overall
        return count, shift, self._means.variance / np.maximum(count, 1.0) + self._means.wander

    def judge(self, view: View) -> Found:
        """Judged anew once an hour; within it the last judgement stands."""
        self._running = self._running + view.cells.last(view.step_minutes)[0][self._columns]
        signals: list[Signal] = []
        if not view.now.minute:
            self._turn(view)
            signals = self._judge(view)
        return Found(signals, lambda scope: bool(self._ill[scope.place]))

    def bands(self, view: View) -> Iterator[Band]:
        count, total, _ = self._hours[self._hour % _LAG]
        shift = np.where(self._means.count >= _KNOWN, total / np.maximum(count, 1.0) - self._means.overall, np.nan)
        variance = self._means.variance / np.maximum(count, 1.0) + self._means.wander
        yield mean((self._series, "tokens a call"), (count, total), shift, variance, view)

    def _turn(self, view: View) -> None:
        self._hour += 1
        row = self._hour % _LAG
        free = view.usable["tokens"] > 0
        old = self._hours[row] * self._clean[row] * free
        self._learned += old[0] > 0
        self._means.learn(old[0], old[1], old[2], (view.now.hour - 1) % 24)
        self._hours[row], self._clean[row] = self._running, free
        self._running = np.zeros_like(self._running)

    def _judge(self, view: View) -> list[Signal]:
        sums = np.stack([self._last(hours) for hours in _HOURS])
        count = np.maximum(sums[:, 0], 1.0)
        shift = sums[:, 1] / count - self._means.overall
        variance = (
            self._means.variance / count
            + self._means.wander / np.minimum(np.array(_HOURS), 24)[:, None]
            + self._means.variance / np.maximum(self._means.count, 1.0)
        )
        nats = mean_shift(shift, variance)
        known = (self._means.count >= _KNOWN) & (self._learned >= _DAYS_OF_PAST * 12)
        usable = np.array(_HOURS)[:, None] * 60 <= view.usable["tokens"]
        grown = np.where(known & usable & (shift >= self._growth) & (count >= 30), nats, 0.0)  # noqa: PLR2004
        self._ill = (shift[1] >= self._growth / 2) & (nats[1] >= 2)  # noqa: PLR2004
        return list(self._signals(grown, shift, count))

    def _last(self, hours: int) -> Floats:
        rows = np.arange(self._hour - hours + 1, self._hour + 1) % _LAG
        total: Floats = self._hours[rows].sum(axis=0)
        return total

    def _signals(self, grown: Floats, shift: Floats, count: Floats) -> Iterator[Signal]:
        for cell in np.flatnonzero(grown.max(axis=0) >= FIRE):
            place = int(grown[:, cell].argmax())
            yield Signal(
                family="tokens",
                kind=self._kind,
                scope=Scope("cell", int(cell)),
                minutes=_HOURS[place] * 60,
                nats=float(grown[place, cell]),
                seen=float(np.exp(self._means.overall[cell] + shift[place, cell])),
                expected=float(np.exp(self._means.overall[cell])),
                unit=self._unit,
                of=float(count[place, cell]),
            )
