"""D30b: a token limit far above what any reply needs: no money by itself, but rate limit and the size of a runaway."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

USED: Final = 0.1  # of the limit, by 999 of 1,000 replies
MIN_CALLS: Final = 100
LARGE: Final = 1000  # tokens; smaller limits reserve little
ROOM: Final = 3


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        rows = [row for row in calls.rows if (row["max_tokens"] or 0) >= LARGE and row["output_tokens"]]
        if len(rows) < MIN_CALLS:
            continue
        longest = sorted(row["output_tokens"] for row in rows)[int(0.999 * (len(rows) - 1))]
        if longest < USED * min(row["max_tokens"] for row in rows):
            yield _finding(calls, rows, longest, window)


def _finding(calls: Calls, rows: list[Row], longest: int, window: Window) -> Finding:
    limit = rows[-1]["max_tokens"]
    return calls.finding(
        rows,
        window,
        detector="D30b",
        category="cost",
        title=f"max_tokens is {limit:,}; 999 of 1,000 replies need {longest:,}",
        why=(
            f"Of {len(rows):,} replies hardly one had more than {longest:,} tokens. Providers count the limit against "
            "the tokens per minute before the reply is written, and a reply that runs away may use all of it. It costs "
            "no money by itself."
        ),
        fix=Fix(f"Set the limit to about {longest * ROOM:,}.", f"max_tokens={longest * ROOM}"),
        verify="Less of the tokens per minute is used for the same calls.",
        confidence="high",
    )


DETECTOR = Detector("D30b", timedelta(days=7), find)
