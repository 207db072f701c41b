"""D21: the provider's rate limit is nearly used up, again and again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT: Final = 0.1  # of the limit
MIN_CALLS: Final = 5
KINDS: Final = ("requests", "tokens")


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        for kind in KINDS:
            told = [row for row in calls.rows if row[f"{kind}_limit"]]
            near = [row for row in told if row[f"{kind}_remaining"] < LEFT * row[f"{kind}_limit"]]
            if len(near) >= MIN_CALLS:
                yield _finding(calls, kind, near, window)
                break


def _finding(calls: Calls, kind: str, near: list[Row], window: Window) -> Finding:
    least = min(near, key=lambda row: row[f"{kind}_remaining"] / row[f"{kind}_limit"])
    used = 1 - least[f"{kind}_remaining"] / least[f"{kind}_limit"]
    hour, count = Counter(row["start"].hour for row in near).most_common(1)[0]
    refused = sum(row["http_status"] == 429 for row in calls.rows)  # noqa: PLR2004 - too many requests
    return calls.finding(
        near,
        window,
        detector="D21",
        category="dependency",
        title=f"{used:.0%} of the limit of {least[f'{kind}_limit']:,} {kind} is in use",
        why=(
            f"{len(near):,} calls were answered with less than {LEFT:.0%} of their {kind} limit left, most of them "
            f"({count:,}) from {hour:02}:00 to {hour + 1:02}:00 UTC; {refused:,} calls ended refused for their rate."
        ),
        fix=Fix("Ask the provider for a higher limit, spread what can wait over the day, or move it to its batch API."),
        verify=f"More than {LEFT:.0%} of the limit is left at the busiest hour.",
        confidence="high",
    )


DETECTOR = Detector("D21", timedelta(days=7), find, min_days=1)
