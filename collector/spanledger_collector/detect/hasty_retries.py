"""D13: repeats that come too soon: hardly any wait, no growth, or less than the provider asked for."""

from __future__ import annotations

import itertools
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CHAINS: Final = 10
SHORT_S: Final = 1.0
MIN_GROWTH: Final = 1.3  # of one wait by the one before
MIN_IGNORED: Final = 0.5  # of the chains that were told when to come again

_SNIPPET = """\
@retry(wait=wait_random_exponential(multiplier=1, max=60), stop=stop_after_attempt(5))
def ask(...): ...   # or leave it to the SDK: it waits longer each time and honours Retry-After"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        chains = repeated(calls)
        if len(chains) >= MIN_CHAINS and (what := fault(chains)):
            yield _finding(calls, chains, what, window)


def repeated(calls: Calls) -> list[Row]:
    """Those whose waits between their requests are known."""
    return [row for row in calls.rows if row["attempts"] > 1 and len(row["attempt_waits_s"]) > 1]


def fault(chains: list[Row]) -> str:
    """What is wrong about the waits, in words; nothing where they are long enough."""
    told = [row for row in chains if max(row["attempt_retry_after_s"], default=-1.0) > 0]
    if (ignored := sum(map(_ignores, told))) and ignored >= MIN_IGNORED * len(told):
        return f"{ignored:,} of {len(told):,} came again before the time that Retry-After named"
    waits = [row["attempt_waits_s"][:-1] for row in chains]
    growth = [late / early for chain in waits for early, late in itertools.pairwise(chain) if early > 0]
    first = median(chain[0] for chain in waits)
    if first < SHORT_S and (not growth or median(growth) < MIN_GROWTH):
        return f"the median wait before the first repeat was {first:.2f} s, and later waits were no longer"
    return ""


def _ignores(row: Row) -> bool:
    asked = zip(row["attempt_waits_s"][:-1], row["attempt_retry_after_s"], strict=False)
    return any(after > 0 and wait < after for wait, after in asked)


def _finding(calls: Calls, chains: list[Row], what: str, window: Window) -> Finding:
    refused = sum(row["attempt_statuses"].count(429) for row in chains)
    return calls.finding(
        chains,
        window,
        detector="D13",
        category="dependency",
        title="Repeats come too soon to help",
        why=(
            f"Of {len(chains):,} calls that were sent again, {what}. {refused:,} requests were refused for their rate "
            "(429): repeats that come at once count against the same minute."
        ),
        fix=Fix(
            "Wait longer before every repeat, with some chance in it, and at least what Retry-After says.", _SNIPPET
        ),
        verify="The median wait before the first repeat is above a second, and 429s per call fall.",
        confidence="medium",
    )


DETECTOR = Detector("D13", timedelta(days=7), find, min_days=1)
