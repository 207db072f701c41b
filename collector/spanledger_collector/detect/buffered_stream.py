"""D20: streams whose first chunk comes with the last: something on the way holds the reply back. Time, not money."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE: Final = 0.9  # of the duration before the first chunk
LONG_TOKENS: Final = 100
LONG_MS: Final = 2_000.0
MIN_SHARE: Final = 0.5  # of a place's streams


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        streams = [row for row in calls.rows if row["stream"] and row["first_chunk_ms"] and _is_long(row)]
        held = [row for row in streams if row["first_chunk_ms"] >= LATE * row["duration_ms"]]
        if streams and len(held) >= MIN_SHARE * len(streams):
            yield _finding(calls, streams, held, window)


def _is_long(row: Row) -> bool:
    """Reasoning comes before the first chunk and is no fault of the way."""
    visible = (row["output_tokens"] or 0) - row["reasoning_tokens"]
    return bool(visible > LONG_TOKENS and visible > row["reasoning_tokens"] and row["duration_ms"] > LONG_MS)


def _finding(calls: Calls, streams: list[Row], held: list[Row], window: Window) -> Finding:
    first = median(row["first_chunk_ms"] / 1000 for row in held)
    return calls.finding(
        held,
        window,
        detector="D20",
        category="dependency",
        title=f"Streams arrive all at once, after {first:.1f} s",
        why=(
            f"In {len(held):,} of {len(streams):,} longer streams the first chunk came when {LATE:.0%} of the time had "
            "passed: a proxy or a gateway between here and the provider collects the reply before it passes it on."
        ),
        fix=Fix("Turn buffering off on the way (nginx: proxy_buffering off; gateways: streaming responses)."),
        verify="The first chunk comes within a second or two at this place.",
        confidence="medium",
    )


DETECTOR = Detector("D20", timedelta(days=7), find)
