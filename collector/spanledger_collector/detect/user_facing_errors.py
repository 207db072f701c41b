"""D41: an error of the provider's that reaches the application's own user, with nothing to fall back on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 5

_SNIPPET = """\
try:
    reply = client.chat.completions.create(model=MODEL, ...)
except (APIStatusError, APITimeoutError):
    spanledger.fallback("small model")
    reply = other_client.chat.completions.create(model=OTHER_MODEL, ...)"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    failed = {row["trace_id"] for row in ask("served_traces") if row["failed"]}
    for calls in by_place(ask("call_facts")):
        errors = [row for row in calls.rows if row["outcome"] == "error"]
        seen = [row for row in errors if row["trace_id"] in failed]
        if len(seen) >= MIN_CALLS:
            yield _finding(calls, errors, seen, window)


def _finding(calls: Calls, errors: list[Row], seen: list[Row], window: Window) -> Finding:
    return calls.finding(
        seen,
        window,
        detector="D41",
        category="prompt",
        title=f"{percent(len(seen), len(errors))} of the failed calls reach the user as an error",
        why=(
            f"{len(seen):,} of {len(errors):,} failed calls lie in a request that itself ended in an error: "
            f"{percent(len(seen), len(calls.rows))} of all calls of this place."
        ),
        fix=Fix("Fall back to another model, a cached or a plain answer, and say so in one line.", _SNIPPET),
        verify="Failed calls of this place lie in requests that succeed.",
        confidence="high",
    )


DETECTOR = Detector("D41", timedelta(days=7), find, min_days=1)
