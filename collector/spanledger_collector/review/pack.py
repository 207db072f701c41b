"""What a review is made of: the named queries' answers for a period and the one it is held against."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.review.bridge import Bridge, build
from spanledger_collector.review.bridge.closing import total
from spanledger_collector.review.budget import Burn, Course, Scope, burn, in_force
from spanledger_collector.review.forecast import Forecast, forecast
from spanledger_collector.review.period import Period, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spanledger_collector.review.ledger import Asking, Row

DIMENSIONS: Final = ("team", "feature", "model")
HISTORY: Final = timedelta(days=120)  # what a forecast looks back on
Daily = dict[date, Decimal]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reviewed, against what, narrowed to which calls, seen from when (UTC)."""

    period: Period
    against: Period
    now: datetime
    scope: Scope = field(default_factory=Scope)

    @property
    def until(self) -> datetime:
        """The end of what can be known: now, or the period's end."""
        return min(self.now, self.period.end)


@dataclass(frozen=True, slots=True)
class Outlook:
    """``previous`` is the same period's forecast as it would have been made half-way through it."""

    ahead: Forecast | None
    previous: tuple[Period, date, Forecast, Decimal] | None  # of which, made when, what it said, what it cost
    following: tuple[Period, Forecast] | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The cheap part of a pack: the first sentence is made of it. Money is an exact decimal string, None is unknown."""

    asked: Asked
    totals: Row
    before: Row  # totals of the other period
    segments: list[Row]
    segments_before: list[Row]
    bridge: Bridge
    restatements: list[Row]
    book: str
    is_demo: bool

    @property
    def period(self) -> Period:
        return self.asked.period

    @property
    def against(self) -> Period:
        return self.asked.against

    @property
    def is_empty(self) -> bool:
        return not self.totals["calls"]


@dataclass(frozen=True, slots=True)
class Pack(Opening):
    """``spend`` is by dimension, dearest first."""

    spend: dict[str, list[Row]]
    spend_before: dict[str, dict[str, Row]]  # by dimension and key
    daily: Daily
    daily_by: dict[str, Daily]  # by feature, of the period
    outlook: Outlook
    budgets: list[Burn]
    waste: list[Row]
    response_cache: list[Row] | None  # None: its replies name no team, and one was asked for
    fallbacks: list[Row]
    users: Row
    users_before: Row
    findings: list[Row]
    incidents: list[Row]


def begin(ledger: Asking, asked: Asked) -> Opening:
    now, then = _windows(asked)
    segments, segments_before = ledger.ask("segments", **now), ledger.ask("segments", **then)
    edges = asked.against.params(), asked.period.params()
    restatements = [row for window in edges for row in ledger.ask("restatements", **window)]
    status = ledger.status()
    return Opening(
        asked=asked,
        totals=ledger.ask("totals", **now)[0],
        before=ledger.ask("totals", **then)[0],
        segments=segments,
        segments_before=segments_before,
        bridge=build(segments_before, segments, _restated(restatements, asked.against, asked.scope.filters)),
        restatements=restatements,
        book=str(status["prices"]["version"]),
        is_demo=bool(status["demo"]),
    )


def collect(ledger: Asking, asked: Asked, opening: Opening | None = None) -> Pack:
    """``opening`` is one of the same question, whose reading this goes on with; asked for when absent."""
    period, filters = asked.period, asked.scope.filters
    now, then = _windows(asked)
    opening = opening or begin(ledger, asked)
    daily = _daily(ledger, asked, filters)
    return Pack(
        **{part.name: getattr(opening, part.name) for part in fields(Opening)},
        spend={by: ledger.ask("spend_by", by=by, **now) for by in DIMENSIONS},
        spend_before={by: _by_key(ledger.ask("spend_by", by=by, **then)) for by in DIMENSIONS},
        daily=daily,
        daily_by=_split(ledger.ask("spend_over_time", bucket="day", by="feature", **now)),
        outlook=_outlook(daily, asked),
        budgets=_budgets(ledger, asked),
        waste=ledger.ask("waste", **now),
        response_cache=_response_cache(ledger, asked),
        fallbacks=ledger.ask("fallbacks", **now),
        users=ledger.ask("users", **now)[0],
        users_before=ledger.ask("users", **then)[0],
        findings=ledger.ask("findings", status="any", **period.params() | _known_to_findings(filters)),
        incidents=ledger.ask("alerts", **period.params()),
    )


def _windows(asked: Asked) -> tuple[dict[str, str], dict[str, str]]:
    """Query parameters of both periods."""
    return asked.period.params() | asked.scope.filters, asked.against.params() | asked.scope.filters


def _known_to_findings(filters: Mapping[str, str]) -> dict[str, str]:
    """Findings know no team."""
    return {name: value for name, value in filters.items() if name != "team"}


def _response_cache(ledger: Asking, asked: Asked) -> list[Row] | None:
    if asked.scope.team:
        return None
    rows = ledger.ask("response_cache", **asked.period.params())
    return [row for row in rows if asked.scope.filters.items() <= row.items()]


def _by_key(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["key"]: row for row in rows}


def _restated(rows: Iterable[Row], period: Period, filters: Mapping[str, str]) -> Decimal:
    """What the period was corrected by since its month was closed; known of all calls together only."""
    if filters:
        return Decimal(0)
    corrected = (row for row in rows if row["closed_month"] and period.holds(row["day"]))
    return total(Decimal(row["difference_usd"]) for row in corrected)


def _daily(ledger: Asking, asked: Asked, filters: Mapping[str, str]) -> Daily:
    """Known cost by UTC day, from long enough before the period to the last whole day that is known."""
    first = min(asked.against.start, asked.period.start - HISTORY)
    window = {"from": rfc3339(first), "to": rfc3339(asked.until)}
    rows = ledger.ask("spend_over_time", bucket="day", **window, **filters)
    return {_day(row): Decimal(row["cost_usd"] or 0) for row in rows}


def _day(row: Row) -> date:
    return date.fromisoformat(row["bucket"][:10])


def _split(rows: Sequence[Row]) -> dict[str, Daily]:
    days: defaultdict[str, Daily] = defaultdict(dict)
    for row in rows:
        days[row["key"]][_day(row)] = Decimal(row["cost_usd"] or 0)
    return dict(days)


def _outlook(daily: Daily, asked: Asked) -> Outlook:
    period, today = asked.period, asked.now.date()
    is_over = asked.now >= period.end
    checked = period if is_over else period.previous
    made = checked.start.date() + timedelta(days=checked.day_count // 2)
    said = forecast({day: usd for day, usd in daily.items() if day < made}, checked, made)
    cost = sum((daily.get(day, Decimal(0)) for day in checked.dates()), Decimal(0))
    following = Period.month(period.end) if period.is_month and is_over else None
    ahead = forecast(daily, following, period.end.date()) if following else None
    return Outlook(
        ahead=forecast(daily, period, today),
        previous=(checked, made, said, cost) if said and cost else None,
        following=(following, ahead) if following and ahead else None,
    )


def _budgets(ledger: Asking, asked: Asked) -> list[Burn]:
    """Those of the reviewed month, or of the month in which another period ends, that lie in the scope."""
    month = Period.month(asked.period.end - timedelta(microseconds=1))
    wanted = asked.scope.filters.items()
    rows = in_force(ledger.ask("budgets"), month).items()
    return [_burn(ledger, asked, month, *each) for each in rows if wanted <= each[0].filters.items()]


def _burn(ledger: Asking, asked: Asked, month: Period, scope: Scope, budget: Decimal) -> Burn:
    inner = Asked(month, month.previous, asked.now, scope)
    daily = _daily(ledger, inner, scope.filters)
    today = asked.now.date()
    return burn(scope, budget, Course(daily, month, min(today, month.end.date()), forecast(daily, month, today)))
