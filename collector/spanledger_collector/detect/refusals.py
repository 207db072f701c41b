"""D44: the model refuses, or the provider's filter stops it, more often than it used to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, cost, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED: Final = ("content_filter", "refusal", "SAFETY", "safety", "guardrail_intervened")
MIN_REFUSED: Final = 5
MIN_SHARE: Final = 0.02
MIN_RISE: Final = 3.0  # times the share of the earlier half


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        half = len(calls.rows) // 2
        before, after = _refused(calls.rows[:half]), _refused(calls.rows[half:])
        share = len(after) / max(1, len(calls.rows) - half)
        if len(after) >= MIN_REFUSED and share >= max(MIN_SHARE, MIN_RISE * len(before) / max(1, half)):
            yield _finding(calls, before, after, window)


def _refused(rows: tuple[Row, ...]) -> list[Row]:
    return [row for row in rows if row["finish_reason"] in REFUSED]


def _finding(calls: Calls, before: list[Row], after: list[Row], window: Window) -> Finding:
    half = len(calls.rows) // 2
    was, is_ = percent(len(before), half), percent(len(after), len(calls.rows) - half)
    version = after[-1]["version"]
    return calls.finding(
        after,
        window,
        calls.money(after, "call", cost),
        "measured",
        detector="D44",
        category="prompt",
        title=f"Refusals rose from {was} to {is_}",
        why=(
            f"{len(after):,} of the later half of {len(calls.rows):,} replies were refusals or stopped by a filter, "
            f"{len(before):,} of the earlier half. The first came {after[0]['start']:%d %b %H:%M} UTC"
            f"{' with release ' + version if version else ''}; each was paid for."
        ),
        fix=Fix("Look at what changed in the prompt, the model or the input at that time."),
        verify=f"The share of refusals is back at {was}.",
        confidence="medium",
    )


DETECTOR = Detector("D44", timedelta(days=7), find, claims="retry", min_days=1)
