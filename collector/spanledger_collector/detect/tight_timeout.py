"""D16: many calls end at one and the same duration: a timeout that cuts off work which is billed all the same."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 5
MIN_SHARE: Final = 0.05  # of a place's calls
WIDTH: Final = 0.05  # of the duration
ENDED: Final = ("error", "cancelled")


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        lost = [row for row in calls.rows if row["outcome"] in ENDED and row["attempts"] == 1 and _timed_out(row)]
        spike = _spike(lost)
        if len(spike) >= max(MIN_CALLS, MIN_SHARE * len(calls.rows)):
            yield _finding(calls, spike, window)


def _timed_out(row: Row) -> bool:
    return "imeout" in row["error_type"] or row["error_type"] == "CancelledError" or row["outcome"] == "cancelled"


def _spike(rows: list[Row]) -> list[Row]:
    """Those whose durations lie within the width of one another, where most do."""
    if not rows:
        return []
    nearest = Counter(round(row["duration_ms"] / 1000, 1) for row in rows).most_common(1)[0][0]
    return [row for row in rows if abs(row["duration_ms"] / 1000 - nearest) <= WIDTH * max(nearest, 0.1)]


def _finding(calls: Calls, spike: list[Row], window: Window) -> Finding:
    seconds = spike[-1]["duration_ms"] / 1000
    slow = sum(row["duration_ms"] / 1000 > seconds / 2 for row in calls.rows if row["outcome"] == "ok")
    return calls.finding(
        spike,
        window,
        detector="D16",
        category="dependency",
        title=f"{percent(len(spike), len(calls.rows))} of the calls die at {seconds:.1f} s",
        why=(
            f"{len(spike):,} calls were given up after {seconds:.1f} s, all within {WIDTH:.0%} of it; {slow:,} others "
            "needed more than half as long and were answered. The provider goes on and bills what nobody receives: how "
            "much is not told to the caller, so no money is claimed."
        ),
        fix=Fix("Allow more time, stream the answer, or ask for a shorter one.", f"timeout={round(seconds * 2)}"),
        verify="The share of calls that end at one duration falls below 1 %.",
        confidence="medium",
    )


DETECTOR = Detector("D16", timedelta(days=7), find, min_days=1)
