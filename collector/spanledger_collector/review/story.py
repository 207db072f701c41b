"""The review in sentences, each built from the same figures as the tables: nothing is said that they do not show."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.review.bridge import BARS
from spanledger_collector.review.bridge.closing import total
from spanledger_collector.review.figures import change, money, share, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.review.bridge.facts import Segment
    from spanledger_collector.review.ledger import Row
    from spanledger_collector.review.pack import Opening, Pack
    from spanledger_collector.review.period import Period

TITLES: Final = {
    "volume": "volume", "waste": "retries, waste", "mix": "mix", "size": "size", "cache": "cache",
    "reasoning": "reasoning", "price": "price", "new": "new", "gone": "gone", "restated": "restated",
}  # fmt: skip
MEANINGS: Final = {
    "volume": "more or fewer successful calls, at the earlier period's mix",
    "waste": "paid calls per successful one: failures and discarded results that cost money",
    "mix": "calls moved between models, features, teams and services",
    "size": "input and visible output tokens per call; what is charged per request",
    "cache": "input moved between uncached, cache-read and cache-write",
    "reasoning": "reasoning tokens per call",
    "price": "dollars per token: price lists, tiers, batch and flex shares, cache-write lifetimes",
    "new": "what only the later period has",
    "gone": "what only the earlier period had",
    "restated": "corrections of the earlier period since it was booked",
}
_TOLD: Final = 3


def headline(pack: Opening) -> str:
    now, before = pack.totals["cost_usd"], pack.before["cost_usd"]
    if pack.is_empty:
        return f"No calls are recorded in {pack.period}."
    if now is None:
        return f"What {pack.period} cost is unknown: none of its {pack.totals['calls']:,} calls has a known cost."
    so_far = "" if pack.asked.now >= pack.period.end else " so far"
    spent = f"LLM spend is {money(now)} in {pack.period}{so_far}"
    if not pack.before["calls"] or before is None:
        return f"{spent}. There is nothing in {pack.against} to compare it with."
    moved = Decimal(now) - Decimal(before)
    compared = f"{'up' if moved > 0 else 'down'} {money(abs(moved))} ({change(now, before)}) on {pack.against}"
    return f"{spent}, {compared if moved else f'as much as in {pack.against}'}{_because(pack)}."


def _because(pack: Opening) -> str:
    if pack.bridge.suppressed:
        return "; why it changed is not told, because too little of it has a known cost"
    told = list(reasons(pack))
    return f": {', '.join(told)}" if told else ""


def reasons(pack: Opening) -> Iterator[str]:
    """The largest bars, each with the place it comes from where one place makes most of it."""
    bars = sorted(pack.bridge.bars.items(), key=lambda bar: -abs(bar[1]))
    for name, usd in bars[:_TOLD]:
        if abs(usd) >= Decimal("0.01"):
            yield f"{signed(usd)} {TITLES[name]}{_mostly(pack, name, usd)}"


def _mostly(pack: Opening, name: str, usd: Decimal) -> str:
    segment, most = main_place(pack, name)
    if segment is None or most * 2 < usd * (1 if usd > 0 else -1) or most <= 0:
        return ""
    return f" (mostly {segment.feature or segment.service} on {segment.model})"


def main_place(pack: Opening, name: str) -> tuple[Segment | None, Decimal]:
    """The segment that moved most in a bar's own direction, and by how much."""
    sign = 1 if pack.bridge.bars[name] >= 0 else -1
    amounts = {segment: bars[name] * sign for segment, bars in pack.bridge.segments.items()}
    if not amounts:
        return None, Decimal(0)
    segment = max(amounts, key=lambda each: (amounts[each], each))
    return segment, amounts[segment]


def bars(pack: Pack) -> list[tuple[str, Decimal]]:
    """All bars that are not zero, in the order they are drawn."""
    found = pack.bridge.bars
    return [(TITLES[name], found[name]) for name in BARS if found[name]]


def trust(pack: Pack) -> str:
    """How far the figures can be trusted, in one sentence."""
    now, before = (covered.share for covered in reversed(pack.bridge.coverage))
    left_out = pack.totals["unpriced_calls"]
    return (
        f"{share(now)} of the answered calls have a known cost ({share(before)} in {pack.against}). "
        f"{left_out:,} calls, refused ones included, have none and are in no sum. "
        "Costs are estimates at the book's rates, not an invoice."
    )


def restated(pack: Opening) -> str:
    """Which figures were changed after the fact, in one sentence; empty where none was."""
    told = [*_restated(pack, pack.period), *_restated(pack, pack.against)]
    return f"Priced again after the fact: {'; '.join(told)}." if told else ""


def _restated(pack: Opening, period: Period) -> Iterator[str]:
    rows = [row for row in pack.restatements if period.holds(row["day"])]
    if rows:
        moved = total(Decimal(row["difference_usd"]) for row in rows)
        why = "; ".join(dict.fromkeys(row["reason"] for row in rows))
        days = len({row["day"] for row in rows})
        yield f"{days} day{'s' if days > 1 else ''} of {period}, {signed(moved)} in all ({why})"


def grades(rows: Sequence[Row]) -> dict[str, tuple[int, Decimal]]:
    """Calls and US dollars by how their cost is known."""
    found: dict[str, tuple[int, Decimal]] = {}
    for row in rows:
        calls, usd = found.get(row["cost_grade"], (0, Decimal(0)))
        found[row["cost_grade"]] = calls + row["calls"], usd + Decimal(row["cost"])
    return found
