"""D37: replies cut off at the token limit that therefore do not parse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, cost, traces, validated
from spanledger_collector.detect.failed_validation import CUT
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CUT: Final = 3
ROOM: Final = 1.5  # of the longest whole reply


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        cut = [row for row in calls.rows if row["finish_reason"] in CUT and validated(row) == "failed"]
        if len(cut) >= MIN_CUT:
            yield _finding(calls, cut, window)


def _finding(calls: Calls, cut: list[Row], window: Window) -> Finding:
    limit = max(row["max_tokens"] or row["output_tokens"] or 0 for row in cut)
    whole = [row["output_tokens"] or 0 for row in calls.rows if validated(row) == "ok"]
    enough = int(max(ROOM * max(whole, default=0), 2 * limit))
    failed = sum(validated(row) == "failed" for row in calls.rows)
    money, claims = calls.money(cut, "call", cost)
    return Finding(
        detector="D37",
        category="prompt",
        place=calls.place,
        window=window,
        title=f"{len(cut):,} of {failed:,} failed parses were cut off at {limit:,} tokens",
        why=(
            f"{len(cut):,} replies stopped at the limit in the middle of their JSON and could not be read. "
            f"The longest whole reply had {max(whole, default=0):,} tokens."
        ),
        fix=Fix(f"Allow about {enough:,} tokens, or ask for less in one reply.", f"max_tokens={enough}"),
        verify="No reply of this place ends for its length.",
        confidence="high",
        trace_ids=traces(cut),
        money_usd=money,
        money_grade="none" if money is None else "measured",
        evidence=calls.evidence(cut),
        claims=claims,
    )


DETECTOR = Detector("D37", timedelta(days=7), find, claims="truncation")
