"""What is usual for each cell, learned from its own past hours: rates, means and how much both wander by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.ring import widened

if TYPE_CHECKING:
    from spanledger_collector.alerts.anomaly.evidence import Floats

HALF_LIFE_HOURS: Final = 7 * 24
_DECAY: Final = 0.5 ** (1 / HALF_LIFE_HOURS)
_DAY_DECAY: Final = _DECAY**24
_PRIOR: Final = 30.0  # calls' worth of the fleet's rate in each cell's
_HABIT: Final = 50.0  # calls' worth of no habit at all in each hour of day
_WILD: Final = 16.0  # a squared residual beyond this many variances is an incident, not noise


class Rates:
    """Shares of calls, e.g. failures by type: ``rate[kind, cell]``, a cautious upper value, and over-dispersion."""

    def __init__(self, kinds: int) -> None:
        self._hits: Floats = np.zeros((kinds, 0))
        self._of: Floats = np.zeros(0)
        self._square: Floats = np.zeros((kinds, 0))
        self._variance: Floats = np.zeros((kinds, 0))
        self.upper: Floats = np.zeros((kinds, 0))
        self.rate: Floats = np.zeros((kinds, 0))
        self.dispersion: Floats = np.ones((kinds, 0))

    @property
    def of(self) -> Floats:
        """Calls learned from, by cell; old ones count less."""
        return self._of

    def widen(self, cells: int) -> None:
        for name in ("_hits", "_of", "_square", "_variance", "upper", "rate"):
            setattr(self, name, widened(getattr(self, name), cells))
        self.dispersion = widened(self.dispersion, cells, 1.0)
        self._estimate()

    def learn(self, hits: Floats, of: Floats) -> None:
        """One hour: ``hits[kind, cell]`` of ``of[cell]`` calls."""
        expected, variance = of * self.rate, of * self.rate * (1 - self.rate)
        square = np.minimum((hits - expected) ** 2, _WILD * (variance + 0.5))
        known = self._of > _PRIOR
        self._square = _DECAY * self._square + square * known
        self._variance = _DECAY * self._variance + variance * known
        self._hits = _DECAY * self._hits + hits
        self._of = _DECAY * self._of + of
        self._estimate()

    def move(self, cell: int, off: float) -> None:
        """The past of a cell is as if its rate of the first kind had always been so much higher."""
        self._hits[0, cell] = np.clip(self._hits[0, cell] + off * self._of[cell], 0.0, self._of[cell])
        self._estimate()

    def _estimate(self) -> None:
        fleet = (self._hits.sum(axis=1, keepdims=True) + 0.5) / (self._of.sum() + 50.0)
        of = self._of + _PRIOR
        self.rate = (self._hits + _PRIOR * fleet) / of
        self.upper = np.minimum(self.rate + np.sqrt(self.rate * (1 - self.rate) / of) + 1 / of, 0.999)
        self.dispersion = np.maximum((self._square + 10.0) / (self._variance + 10.0), 1.0)


class Means:
    """A mean with its variance within hours, between hours, and its habit by hour of day: ``expected[cell]``."""

    def __init__(self) -> None:
        self._sums: Floats = np.zeros((3, 0))  # count, sum, sum of squares of residuals
        self._hour: Floats = np.zeros((24, 2, 0))  # count, sum of residuals by hour of day
        self._between: Floats = np.zeros((2, 0))

    def widen(self, cells: int) -> None:
        self._sums, self._hour = widened(self._sums, cells), widened(self._hour, cells)
        self._between = widened(self._between, cells)

    @property
    def count(self) -> Floats:
        count: Floats = self._sums[0]
        return count

    @property
    def variance(self) -> Floats:
        """Of one call."""
        count = np.maximum(self._sums[0], 1.0)
        variance: Floats = np.maximum(self._sums[2] / count - (self._sums[1] / count) ** 2, 1e-4)
        return variance

    @property
    def wander(self) -> Floats:
        """Variance of an hour's mean beyond what its calls explain."""
        wander: Floats = np.maximum(self._between[0], 0.0) / np.maximum(self._between[1], 1.0)
        return wander

    @property
    def overall(self) -> Floats:
        mean: Floats = self._sums[1] / np.maximum(self._sums[0], 1.0)
        return mean

    def expected(self, hour: int) -> Floats:
        """At that hour of day, UTC."""
        count, total = self._hour[hour]
        expected: Floats = self.overall + total / (count + _HABIT)
        return expected

    def learn(self, count: Floats, total: Floats, squares: Floats, hour: int) -> None:
        """One hour's calls: their number, sum and sum of squares."""
        mean = total / np.maximum(count, 1.0)
        residual = mean - self.expected(hour)
        noise = self.variance / np.maximum(count, 1.0)
        known = (count >= 3) & (self._sums[0] > 50.0)  # noqa: PLR2004
        square = np.minimum(residual**2, _WILD * (noise + self.wander))
        weight = known * np.minimum(count, 30.0)
        self._between = _DECAY * self._between + np.stack([weight * (square - noise), weight])
        self._hour[hour] = self._hour[hour] * _DAY_DECAY + np.stack([count, known * (total - count * self.overall)])
        self._sums = _DECAY * self._sums + np.stack([count, total, squares])

    def rebase(self, count: Floats, total: Floats, squares: Floats) -> None:
        """Replace what was learned by the same calls measured anew."""
        self._sums = np.stack([count, total, squares])

    def habit(self, until: int, hours: int) -> Floats:
        """What the hours of day before ``until`` usually add to the mean, together."""
        rows = self._hour[np.arange(until - hours, until) % 24]
        habit: Floats = (rows[:, 1] / (rows[:, 0] + _HABIT)).mean(axis=0)
        return habit

    def move(self, cell: int, off: float) -> None:
        """The past is moved by so much, with its spread and its habits."""
        count, total, squares = self._sums[:, cell]
        self._sums[:, cell] = count, total + off * count, squares + 2 * off * total + off**2 * count


class Line:
    """How log duration goes with log output tokens in each cell: a longer answer takes longer, and is no incident."""

    def __init__(self) -> None:
        self._sums: Floats = np.zeros((6, 0))  # calls, y, yy, x, xx, xy

    def widen(self, cells: int) -> None:
        self._sums = widened(self._sums, cells)

    def learn(self, sums: Floats) -> None:
        self._sums = _DECAY * self._sums + sums

    def move(self, cell: int, off: float) -> None:
        """All durations of the past are longer by so much."""
        count, y, yy, x, xx, xy = self._sums[:, cell]
        self._sums[:, cell] = count, y + off * count, yy + 2 * off * y + off**2 * count, x, xx, xy + off * x

    @property
    def slope(self) -> Floats:
        """A prior of none, worth fifty calls of unit spread, holds back cells that are little known."""
        count, y, _, x, xx, xy = self._sums
        count = np.maximum(count, 1.0)
        slope: Floats = np.clip((xy - x * y / count) / (xx - x**2 / count + 50.0), 0.0, 1.5)
        return slope

    def adjusted(self, sums: Floats | None = None) -> tuple[Floats, Floats, Floats]:
        """Calls, sum and sum of squares of y less its slope times x; of all that was learned unless sums are given."""
        count, y, yy, x, xx, xy = np.moveaxis(self._sums if sums is None else sums, -2, 0)
        slope = self.slope
        return count, y - slope * x, yy - 2 * slope * xy + slope**2 * xx
