"""D40: a temperature meant for prose on output that has to fit a schema. Quality: no saving is claimed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent, place, validated
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM: Final = 0.3
MIN_SHARE: Final = 0.5  # of a place's calls
MIN_CALLS: Final = 20


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    found = [(calls, _warm(calls)) for calls in by_place(ask("call_facts"))]
    found = [(calls, warm) for calls, warm in found if len(warm) >= max(MIN_CALLS, MIN_SHARE * len(calls.rows))]
    varied = {place(row): row for row in ask("answer_variety")} if found else {}
    for calls, warm in found:
        yield _finding(calls, warm, varied.get(calls.place), window)


def _warm(calls: Calls) -> list[Row]:
    return [row for row in calls.rows if _structured(row) and (row["temperature"] or 0) > WARM]


def _structured(row: Row) -> bool:
    return bool(row["schema_name"]) or row["output_type"] == "json"


def _answered(varied: Row | None) -> str:
    """What became of equal requests, where enough were made."""
    if varied is None or varied["calls"] < MIN_CALLS:
        return ""
    share = percent(varied["different"], varied["calls"])
    return (
        f" Of {varied['calls']:,} replies to requests that were made more than once, {share} or more differed from "
        "the commonest to the same request: so many had another length."
    )


def _finding(calls: Calls, warm: list[Row], varied: Row | None, window: Window) -> Finding:
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
            f"{WARM:g}: the same input then gets different values.{_answered(varied)}{result}"
        ),
        fix=Fix("Extract and classify at temperature 0.", "temperature=0"),
        verify="The temperature of this place's calls is 0, and equal inputs get equal answers.",
        confidence="medium",
    )


DETECTOR = Detector("D40", timedelta(days=7), find)
