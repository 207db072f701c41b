"""Where a month will land: a median of days like each one to come, times a level that fades, and a band from how wrong
the same method was before.

Days are whole UTC days. Below two weeks of history there is only a run rate, and it is labelled so.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from spanledger_collector.review.period import Period

LEAST_HISTORY: Final = 14  # days
LEAST_TRIALS: Final = 5  # back-tests, for a band
WEEKS: Final = 8  # of days of the same weekday
FADING: Final = 0.9  # per day: what is left of an unusual level
_WEEK: Final = 7
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Forecast:
    """US dollars at the period's end. ``low`` and ``high`` are P10 and P90; None where too few back-tests say.

    ``method`` is ``seasonal`` or ``run rate``; ``chances`` are the back-tests' end results, for asking about a budget.
    """

    spent: Decimal
    days_left: int
    middle: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    method: str = "seasonal"
    chances: tuple[Decimal, ...] = ()

    def chance_above(self, usd: Decimal) -> float | None:
        """The share of the back-tests' end results above an amount."""
        return sum(each > usd for each in self.chances) / len(self.chances) if self.chances else None


def forecast(daily: Mapping[date, Decimal], period: Period, today: date) -> Forecast | None:
    """From the days before ``today``; None where there is no day to go by. A day without spend is one of $0."""
    history = _history(daily, today)
    start, end = period.start.date(), min(today, period.end.date())
    first = max(start, min(daily, default=today))
    spent = sum((usd for day, usd in daily.items() if start <= day < end), Decimal(0))
    left = (period.end.date() - max(today, start)).days
    if left <= 0:
        return Forecast(spent, 0, spent, method="closed")
    if len(history) < LEAST_HISTORY:
        return _run_rate(spent, (today - first).days, left)
    return _seasonal(spent, history, today, left)


def _history(daily: Mapping[date, Decimal], today: date) -> list[float]:
    """One figure per day from the first recorded one to yesterday."""
    first = min(daily, default=today)
    return [float(daily.get(first + timedelta(days=n), 0)) for n in range((today - first).days)]


def _run_rate(spent: Decimal, days: int, left: int) -> Forecast | None:
    if days <= 0:
        return None
    return Forecast(spent, left, (spent + spent / days * left).quantize(_CENT), method="run rate")


def _seasonal(spent: Decimal, history: Sequence[float], today: date, left: int) -> Forecast:
    rest = sum(_ahead(history, today.weekday(), left))
    ratios = sorted(_back_tests(history, today.weekday(), left))
    if len(ratios) < LEAST_TRIALS:
        return Forecast(spent, left, spent + _dollars(rest))
    low, middle, high = (spent + _dollars(rest * _quantile(ratios, share)) for share in (0.1, 0.5, 0.9))
    return Forecast(spent, left, middle, low, high, chances=tuple(spent + _dollars(rest * ratio) for ratio in ratios))


def _ahead(history: Sequence[float], weekday: int, days: int) -> list[float]:
    """What each of the next days will cost; ``weekday`` is the first one's."""
    usual = _usual(history, weekday)
    recent = range(max(0, len(history) - _WEEK), len(history))
    expected = sum(usual[(weekday - len(history) + n) % _WEEK] for n in recent)
    level = sum(history[n] for n in recent) / expected if expected else 1.0
    return [usual[(weekday + n) % _WEEK] * (1 + (level - 1) * FADING**n) for n in range(days)]


def _usual(history: Sequence[float], weekday: int) -> dict[int, float]:
    days: defaultdict[int, list[float]] = defaultdict(list)
    for number, usd in enumerate(history):
        days[(weekday - len(history) + number) % _WEEK].append(usd)
    every = median(history)
    return {day: median(days[day][-WEEKS:]) if days[day] else every for day in range(_WEEK)}


def _back_tests(history: Sequence[float], weekday: int, left: int) -> list[float]:
    """Actual over forecast for the same number of days ahead, or as many as the history allows, from each past day."""
    ahead = min(left, max(1, (len(history) - LEAST_HISTORY) // 2))
    ratios = []
    for origin in range(LEAST_HISTORY, len(history) - ahead + 1):
        expected = sum(_ahead(history[:origin], (weekday - len(history) + origin) % _WEEK, ahead))
        if expected > 0:
            ratios.append(sum(history[origin : origin + ahead]) / expected)
    return ratios


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _dollars(usd: float) -> Decimal:
    return Decimal(usd).quantize(_CENT)
