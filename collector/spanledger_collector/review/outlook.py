"""Where a period will land, in sentences: what is expected, how sure that is, and how wrong the method was last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanledger_collector.review.figures import change, money

if TYPE_CHECKING:
    from decimal import Decimal

    from spanledger_collector.review.pack import Pack


def landing(pack: Pack) -> str:
    """What is expected, with its band, and how wrong the same method was last."""
    ahead, sentences = pack.outlook.ahead, []
    if ahead is None:
        sentences.append("No whole day is recorded yet: nothing can be said.")
    elif ahead.method == "closed":
        sentences.append(f"{pack.period} is over, at {money(ahead.middle)}.")
    elif ahead.method == "run rate":
        sentences.append(f"Run rate only, with less than 14 days of history: {money(ahead.middle)} at the end.")
    else:
        sentences.append(f"Expected {money(ahead.middle)} at the end{_band(ahead.low, ahead.high)}.")
    if pack.outlook.following:
        following, expected = pack.outlook.following
        label = " at the run rate" if expected.method == "run rate" else _band(expected.low, expected.high)
        sentences.append(f"{following} is expected at {money(expected.middle)}{label}.")
    if pack.outlook.previous:
        period, made, said, cost = pack.outlook.previous
        off = f"{money(said.middle)} for {period}: {change(said.middle, cost)} off"
        sentences.append(f"On {made:%d %b} the same method, asked again now, said {off}.")
    return " ".join(sentences)


def _band(low: Decimal | None, high: Decimal | None) -> str:
    return (
        "; too few back-tests for a band"
        if low is None or high is None
        else f" (P10 {money(low)} to P90 {money(high)})"
    )
