"""D11: a release that reads less from the cache than the one before it."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 20  # of each release
MIN_DROP: Final = 0.2  # of the share of calls that read
Z: Final = 4.0  # two proportions, one-sided


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        before, after = _last_two(calls)
        if min(len(before), len(after)) >= MIN_CALLS and _fell(before, after):
            yield _finding(calls, before, after, window)


def _last_two(calls: Calls) -> tuple[list[Row], list[Row]]:
    """The calls of the newest release and of the one before it, by when each was first seen."""
    by_version: dict[str, list[Row]] = {}
    for row in calls.rows:
        if row["version"] and row["input_tokens"]:
            by_version.setdefault(row["version"], []).append(row)
    releases = list(by_version.values())
    return (releases[-2], releases[-1]) if len(releases) > 1 else ([], [])


def _fell(before: list[Row], after: list[Row]) -> bool:
    p, q = _reading(before), _reading(after)
    pooled = (p * len(before) + q * len(after)) / (len(before) + len(after))
    error = math.sqrt(pooled * (1 - pooled) * (1 / len(before) + 1 / len(after)))
    return p - q >= MIN_DROP and p - q > Z * error


def _reading(rows: list[Row]) -> float:
    """The share of calls that read anything from the cache."""
    return sum(bool(row["read_tokens"]) for row in rows) / len(rows)


def _share(rows: list[Row]) -> Decimal:
    """The share of input tokens read from the cache."""
    return Decimal(sum(row["read_tokens"] for row in rows)) / Decimal(sum(row["input_tokens"] for row in rows))


def _finding(calls: Calls, before: list[Row], after: list[Row], window: Window) -> Finding:
    read = sum(row["read_tokens"] for row in before)
    paid = sum((row["cost_read_usd"] for row in before), Decimal(0))
    price = paid / read if read else Decimal(0)
    was, is_ = _share(before), _share(after)

    def lost(row: Row) -> Decimal | None:
        if row["cost_usd"] is None or not row["uncached_tokens"]:
            return None
        missing = max(Decimal(0), was * Decimal(row["input_tokens"]) - Decimal(row["read_tokens"]))
        return missing * (Decimal(row["cost_input_usd"]) / Decimal(row["uncached_tokens"]) - price)

    return calls.finding(
        after,
        window,
        calls.money(after, "input", lost),
        detector="D11",
        category="cache",
        title=f"Release {after[-1]['version']} reads {is_:.0%} of its input from the cache, {was:.0%} before",
        why=(
            f"Of {len(before):,} calls by {before[-1]['version']} {_reading(before):.0%} read from the cache, of "
            f"{len(after):,} by {after[-1]['version']} {_reading(after):.0%}. The prompt's beginning changed with it."
        ),
        fix=Fix("Compare the two releases' prompts from the start: what is new in front belongs at the end."),
        verify=f"The next release reads about {was:.0%} again.",
        confidence="high",
    )


DETECTOR = Detector("D11", timedelta(days=7), find, claims="cache", min_days=1)
