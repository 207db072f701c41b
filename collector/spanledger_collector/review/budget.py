"""Budgets as service levels: how fast one burns against the rate that just lasts the month, and when it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from spanledger_collector.review.forecast import Forecast
    from spanledger_collector.review.ledger import Row
    from spanledger_collector.review.period import Period


@dataclass(frozen=True, slots=True)
class Scope:
    """An empty part means all of them."""

    team: str = ""
    feature: str = ""
    model: str = ""

    @property
    def filters(self) -> dict[str, str]:
        given = {"team": self.team, "feature": self.feature, "model": self.model}
        return {name: value for name, value in given.items() if value}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.filters.items()) or "everything"


@dataclass(frozen=True, slots=True)
class Burn:
    """Of one budget in one month, US dollars. ``multiple`` 1 just lasts the month; None before its first day ends."""

    scope: Scope
    budget: Decimal
    spent: Decimal
    multiple: float | None
    runs_out: date | None  # None: not in this month, as far as is known
    forecast: Forecast | None

    @property
    def used(self) -> float:
        return float(self.spent / self.budget) if self.budget else float("inf")


def in_force(rows: Iterable[Row], month: Period) -> dict[Scope, Decimal]:
    """The budgets of a month: of each scope the newest that has begun, unless it was taken back."""
    newest: dict[Scope, tuple[str, str | None]] = {}
    for row in rows:
        scope = Scope(row["team"], row["feature"], row["model"])
        if row["from_month"] <= month.name and row["from_month"] >= newest.get(scope, ("",))[0]:
            newest[scope] = row["from_month"], row["usd"]
    return {scope: Decimal(usd) for scope, (_, usd) in newest.items() if usd is not None}


@dataclass(frozen=True, slots=True)
class Course:
    """What a scope spent by UTC day. ``until`` is the first day that is not counted: today, or the month's end."""

    daily: Mapping[date, Decimal]
    month: Period
    until: date
    forecast: Forecast | None

    def spent(self) -> Iterator[tuple[date, Decimal]]:
        for day in self.month.dates():
            if day < self.until:
                yield day, self.daily.get(day, Decimal(0))


def burn(scope: Scope, budget: Decimal, course: Course) -> Burn:
    days = [usd for _, usd in course.spent()]
    spent = sum(days, Decimal(0))
    pace = float(spent / len(days)) / (float(budget) / course.month.day_count) if days and budget else None
    return Burn(scope, budget, spent, pace, _runs_out(budget, course), course.forecast)


def _runs_out(budget: Decimal, course: Course) -> date | None:
    """The day on which the sum passes the budget: measured as far as there are days, then at the forecast's pace."""
    spent = Decimal(0)
    for day, usd in course.spent():
        spent += usd
        if spent > budget:
            return day
    ahead = course.forecast
    if ahead is None or not ahead.days_left or ahead.middle <= budget:
        return None
    per_day = (ahead.middle - spent) / ahead.days_left
    return course.until + timedelta(days=int((budget - spent) / per_day))
