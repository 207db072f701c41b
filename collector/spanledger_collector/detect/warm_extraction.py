"""D40: a temperature meant for prose on output that has to fit a schema. Quality: no saving is claimed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent, validated
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM: Final = 0.3
MIN_SHARE: Final = 0.5  # of a place's calls
MIN_CALLS: Final = 20


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        warm = [row for row in calls.rows if _structured(row) and (row["temperature"] or 0) > WARM]
        if len(warm) >= max(MIN_CALLS, MIN_SHARE * len(calls.rows)):
            yield _finding(calls, warm, window)


def _structured(row: Row) -> bool:
    return bool(row["schema_name"]) or row["output_type"] == "json"


def _finding(calls: Calls, warm: list[Row], window: Window) -> Finding:
    failed = sum(validated(row) == "failed" for row in warm)
    judged = sum(bool(validated(row)) for row in warm)
    result = f" {percent(failed, judged)} of them failed validation." if judged else ""
    return calls.finding(
        warm,
        window,
        detector="D40",
        category="prompt",
        title=f"Structured output is drawn at a temperature of {warm[-1]['temperature']:g}",
        why=(
            f"{len(warm):,} of {len(calls.rows):,} calls that ask for a fixed form ran at a temperature above "
            f"{WARM:g}: the same input then gets different values.{result}"
        ),
        fix=Fix("Extract and classify at temperature 0.", "temperature=0"),
        verify="The temperature of this place's calls is 0, and equal inputs get equal answers.",
        confidence="medium",
    )


DETECTOR = Detector("D40", timedelta(days=7), find)
