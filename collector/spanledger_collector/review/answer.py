"""The review as data: what the pack shows, for pages and programs. Money is Decimal, exact; None is unknown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.review import story, unit_costs
from spanledger_collector.review.bridge import BARS
from spanledger_collector.review.bridge.closing import total
from spanledger_collector.review.pack import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from spanledger_collector.review.bridge.facts import Coverage
    from spanledger_collector.review.budget import Burn
    from spanledger_collector.review.forecast import Forecast
    from spanledger_collector.review.ledger import Row
    from spanledger_collector.review.pack import Opening, Pack
    from spanledger_collector.review.period import Period

Json = dict[str, Any]
BRIDGED: Final = ("team", "feature", "model", "provider", "service")


def answer(pack: Pack) -> Json:
    """Everything of PARTS, under what was asked."""
    return _asked(pack) | {name: part(pack) for name, part in PARTS.items()}


def opening_answer(opening: Opening) -> Json:
    """The same, of what a review opens with."""
    return _asked(opening) | {name: part(opening) for name, part in OPENING.items()}


def _asked(pack: Opening) -> Json:
    asked = pack.asked
    return {
        "period": _period(pack.period),
        "against": _period(pack.against),
        "scope": asked.scope.filters,
        "as_of": asked.now,
        "is_over": asked.now >= pack.period.end,
        "price_book": pack.book,
        "demo": pack.is_demo,
    }


def _period(period: Period) -> Json:
    return {"name": period.name, "from": period.start, "to": period.end}


def _bridge(pack: Pack) -> Json:
    """Bars only where they may be shown: ``before + sum(bars) == after``, for the whole and for each group."""
    bridge = pack.bridge
    told = {"before_usd": bridge.before, "after_usd": bridge.after, "suppressed": bridge.suppressed}
    if bridge.suppressed:
        return told | {"bars": None, "by": None}
    bars = [
        {"bar": name, "title": story.TITLES[name], "meaning": story.MEANINGS[name], "usd": bridge.bars[name]}
        | _mostly(pack, name)
        for name in BARS
    ]
    return told | {"bars": bars, "by": {by: _bridge_by(pack, by) for by in BRIDGED}}


def _mostly(pack: Pack, name: str) -> Json:
    segment, most = story.main_place(pack, name)
    return {"mostly": segment._asdict() if segment and most > 0 else None}


def _bridge_by(pack: Pack, by: str) -> list[Json]:
    """Largest change first."""
    groups = pack.bridge.by(lambda segment: str(getattr(segment, by)))
    before, after = (_known(rows, by) for rows in (pack.segments_before, pack.segments))
    rows = [
        {"key": key, "before_usd": before[key], "after_usd": after[key], "bars": bars} for key, bars in groups.items()
    ]
    return sorted(rows, key=lambda row: (-abs(row["after_usd"] - row["before_usd"]), row["key"]))


def _known(rows: Iterable[Row], by: str) -> defaultdict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["priced_calls"]:
            sums[row[by]] += Decimal(row["cost"])
    return sums


def _forecast(pack: Pack) -> Json:
    """``previous`` is how wrong the same method was, asked half-way through the period it tells of."""
    outlook = pack.outlook
    told: Json = {"period": _expected(outlook.ahead), "following": None, "previous": None}
    if outlook.following:
        period, ahead = outlook.following
        told["following"] = {"name": period.name} | (_expected(ahead) or {})
    if outlook.previous:
        period, made, said, cost = outlook.previous
        told["previous"] = {"name": period.name, "made": made, "expected_usd": said.middle, "cost_usd": cost}
    return told


def _expected(ahead: Forecast | None) -> Json | None:
    if ahead is None:
        return None
    return {
        "method": ahead.method,
        "spent_usd": ahead.spent,
        "days_left": ahead.days_left,
        "p10_usd": ahead.low,
        "p50_usd": ahead.middle,
        "p90_usd": ahead.high,
    }


def _daily(pack: Pack) -> list[Json]:
    """Known cost of every day of both periods that has one."""
    days = {*pack.period.dates(), *pack.against.dates()} & pack.daily.keys()
    return [{"day": day, "cost_usd": pack.daily[day]} for day in sorted(days)]


def _budget(burn: Burn) -> Json:
    ahead = burn.forecast
    return {
        "scope": burn.scope.filters,
        "budget_usd": burn.budget,
        "spent_usd": burn.spent,
        "used": burn.used,
        "burn_multiple": burn.multiple,
        "runs_out": burn.runs_out,
        "forecast": _expected(ahead),
        "chance_to_pass": ahead.chance_above(burn.budget) if ahead else None,
    }


def _showback(pack: Pack) -> Json:
    return {by: [_spent(row, pack.spend_before[by], pack.totals) for row in pack.spend[by]] for by in DIMENSIONS}


def _spent(row: Row, before: Mapping[str, Row], totals: Row) -> Json:
    """``previous_cost_usd`` is None where it is unknown, and zero for what the other period had no call of."""
    known = Decimal(totals["cost_usd"] or 0)
    part = float(Decimal(row["cost_usd"]) / known) if row["cost_usd"] is not None and known else None
    nothing = {"cost_usd": Decimal(0) if before else None}
    return row | {"share": part, "previous_cost_usd": before.get(row["key"], nothing)["cost_usd"]}


def _unallocated(pack: Pack) -> Json:
    """What carries no team, feature or model name; the share is of the known money of each period."""
    return {by: {"now": _nameless(pack.spend[by]), "before": _nameless(pack.spend_before[by].values())}
            for by in DIMENSIONS}  # fmt: skip


def _nameless(rows: Iterable[Row]) -> Json:
    sums = {row["key"]: Decimal(row["cost_usd"] or 0) for row in rows}
    known, nobody = sum(sums.values(), Decimal(0)), sums.get("", Decimal(0))
    return {"cost_usd": nobody, "share": float(nobody / known) if known else None}


def _units(pack: Pack) -> Json:
    return {
        "now": asdict(unit_costs.of(pack.segments)) | {"user": unit_costs.per_user(pack.users)},
        "before": asdict(unit_costs.of(pack.segments_before)) | {"user": unit_costs.per_user(pack.users_before)},
    }


def _coverage(pack: Pack) -> Json:
    """``share`` is of the answered calls; ``grades`` of all. Unknown cost has no dollars."""
    before, now = pack.bridge.coverage
    return {
        "now": _covered(now, pack.segments),
        "before": _covered(before, pack.segments_before),
        "said": story.trust(pack),
    }


def _covered(coverage: Coverage, rows: list[Row]) -> Json:
    grades = {
        grade: {"calls": calls, "cost_usd": None if grade == "unknown" else usd}
        for grade, (calls, usd) in sorted(story.grades(rows).items())
    }
    return {"share": coverage.share, "answered": coverage.answered, "priced": coverage.priced, "grades": grades}


def _restated(pack: Opening) -> Json:
    """Which of the numbers above were changed after the fact."""
    sums = {
        name: total(Decimal(row["difference_usd"]) for row in pack.restatements if period.holds(row["day"]))
        for name, period in (("period", pack.period), ("against", pack.against))
    }
    return {"days": pack.restatements, "difference_usd": sums, "said": story.restated(pack)}


OPENING: Final[Mapping[str, Callable[[Opening], Any]]] = {
    "headline": story.headline,
    "totals": lambda pack: {"now": pack.totals, "before": pack.before},
    "restatements": _restated,
}
PARTS: Final[Mapping[str, Callable[[Pack], Any]]] = {
    **OPENING,
    "bridge": _bridge,
    "forecast": _forecast,
    "daily": _daily,
    "budgets": lambda pack: [_budget(burn) for burn in pack.budgets],
    "showback": _showback,
    "unallocated": _unallocated,
    "unit_costs": _units,
    "waste": lambda pack: pack.waste,
    "response_cache": lambda pack: pack.response_cache,
    "fallbacks": lambda pack: pack.fallbacks,
    "coverage": _coverage,
    "findings": lambda pack: pack.findings,
    "incidents": lambda pack: pack.incidents,
}
