"""D15: a timeout that was never chosen: ten minutes by the SDK's default, or none at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent, traces
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S: Final = 600.0  # the SDKs' default
USUAL_FACTOR: Final = 3  # of the slowest usual call: what a chosen timeout would be
LEAST_S: Final = 10.0
MIN_STUCK: Final = 3

_SNIPPET = "client = OpenAI(timeout={seconds:g}, max_retries=2)"


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        rows = [row for row in calls.rows if (row["timeout_s"] or 0) >= LONG_S and not row["stream"]]
        answered = sorted(row["duration_ms"] / 1000 for row in rows if row["outcome"] == "ok")
        if not answered:
            continue
        chosen = max(LEAST_S, USUAL_FACTOR * answered[int(0.99 * (len(answered) - 1))])
        stuck = [row for row in rows if row["duration_ms"] / 1000 > chosen]
        if len(stuck) >= MIN_STUCK and not any(row["reasoning_tokens"] for row in stuck):
            yield _finding(calls, stuck, chosen, window)


def _finding(calls: Calls, stuck: list[Row], chosen: float, window: Window) -> Finding:
    waited = sum(row["duration_ms"] / 1000 - chosen for row in stuck)
    failed = sum(row["outcome"] != "ok" for row in stuck)
    return Finding(
        detector="D15",
        category="dependency",
        place=calls.place,
        window=window,
        title=f"The default timeout let {len(stuck):,} calls hang",
        why=(
            f"The timeout is {stuck[-1]['timeout_s']:g} s. {percent(len(stuck), len(calls.rows))} of the calls took "
            f"longer than {chosen:.0f} s, three times what 99 of 100 need; {failed:,} of them failed in the end. "
            f"Their callers waited {waited:,.0f} s for nothing beyond that."
        ),
        fix=Fix(
            f"Set a timeout of about {chosen:.0f} s and let the SDK retry.", _SNIPPET.format(seconds=round(chosen))
        ),
        verify=f"No call of this place takes longer than {chosen:.0f} s an attempt.",
        confidence="medium",
        trace_ids=traces(stuck),
        evidence=calls.evidence(stuck),
    )


DETECTOR = Detector("D15", timedelta(days=7), find)
