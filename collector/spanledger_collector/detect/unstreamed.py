"""D19: users wait for long replies that could appear as they are written. Time, not money."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_TOKENS: Final = 300
LONG_MS: Final = 8_000.0
MIN_CALLS: Final = 20
MIN_SHARE: Final = 0.3  # of a place's calls

_SNIPPET = "for chunk in client.chat.completions.create(..., stream=True): ..."


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    served = {row["trace_id"] for row in ask("served_traces")}
    for calls in by_place(ask("call_facts")):
        slow = [row for row in calls.rows if _is_slow(row) and row["trace_id"] in served]
        if len(slow) >= max(MIN_CALLS, MIN_SHARE * len(calls.rows)):
            yield _finding(calls, slow, window)


def _is_slow(row: Row) -> bool:
    """Structured output is of use as a whole only."""
    long = (row["output_tokens"] or 0) > LONG_TOKENS and row["duration_ms"] > LONG_MS
    return long and not row["stream"] and not row["schema_name"] and row["output_type"] != "json"


def _finding(calls: Calls, slow: list[Row], window: Window) -> Finding:
    waits = median(row["duration_ms"] / 1000 for row in slow)
    return calls.finding(
        slow,
        window,
        detector="D19",
        category="dependency",
        title=f"Users wait {waits:.0f} s for a reply that could be read as it is written",
        why=(
            f"{len(slow):,} of {len(calls.rows):,} calls inside of a request took more than {LONG_MS / 1000:.0f} s for "
            f"more than {LONG_TOKENS} tokens, and the caller waited for the last of them."
        ),
        fix=Fix("Stream the reply through to the user.", _SNIPPET),
        verify="The time to the first chunk is a second or two where the whole took many.",
        confidence="medium",
    )


DETECTOR = Detector("D19", timedelta(days=7), find)
