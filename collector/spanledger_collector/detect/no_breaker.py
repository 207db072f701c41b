"""D17: calls go on at full rate into a provider that has not answered for minutes."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET_S: Final = 60
MIN_DOWN: Final = 5  # minutes in a row in which hardly anything was answered
DOWN: Final = 0.8  # of a minute's calls failed
MIN_CALLS: Final = 50  # into the dead provider
HELD: Final = 0.5  # of the usual rate: below it something held calls back

_SNIPPET = """\
breaker = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=30)
reply = breaker.call(client.chat.completions.create, ...)   # raises at once while the provider is down"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        minutes = by_minute(calls.rows)
        down = longest_outage(minutes)
        into = [row for minute in down for row in minutes[minute]]
        usual = median(len(rows) for rows in minutes.values())
        if len(down) >= MIN_DOWN and len(into) >= MIN_CALLS and len(into) / len(down) >= HELD * usual:
            yield _finding(calls, len(down), into, window)


def by_minute(rows: tuple[Row, ...]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(int(row["start"].timestamp()) // BUCKET_S, []).append(row)
    return found


def longest_outage(minutes: dict[int, list[Row]]) -> list[int]:
    """The longest run of minutes, each with calls, in which nearly all of them failed."""
    longest: list[int] = []
    run: list[int] = []
    for minute in sorted(minutes):
        failed = sum(row["outcome"] == "error" for row in minutes[minute])
        if failed < DOWN * len(minutes[minute]):
            run = []
            continue
        run = [*run, minute] if run and minute == run[-1] + 1 else [minute]
        longest = max(longest, run, key=len)
    return longest


def _finding(calls: Calls, minutes: int, into: list[Row], window: Window) -> Finding:
    waited = sum(row["duration_ms"] for row in into) / 1000
    return calls.finding(
        into,
        window,
        detector="D17",
        category="dependency",
        title=f"{len(into):,} calls into a provider that was down for {minutes:,} minutes",
        why=(
            f"From {into[0]['start']:%d %b %H:%M} UTC nearly every call failed for {minutes:,} minutes, and calls went "
            f"on at their usual rate: their callers waited {waited:,.0f} s in all for errors."
        ),
        fix=Fix("Stop calling for a while after several failures in a row, and fall back meanwhile.", _SNIPPET),
        verify="In the next outage the rate of calls falls within a minute.",
        confidence="high",
    )


DETECTOR = Detector("D17", timedelta(days=7), find, min_days=1)
