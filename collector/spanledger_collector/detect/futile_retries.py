"""D14: requests sent again after an answer that sending again cannot change."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, traces
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

FUTILE: Final = (400, 401, 403, 404, 413, 422)
MIN_CALLS: Final = 5

_SNIPPET = """\
@retry(retry=retry_if_exception_type((RateLimitError, APITimeoutError, InternalServerError)))
def ask(...): ..."""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        futile = [row for row in calls.rows if _repeats(row)]
        if len(futile) >= MIN_CALLS:
            yield _finding(calls, futile, window)


def _repeats(row: Row) -> list[int]:
    """The refusals after which the request was sent again all the same."""
    return [status for status in (row["attempt_statuses"] or [])[:-1] if status in FUTILE]


def _finding(calls: Calls, futile: list[Row], window: Window) -> Finding:
    statuses = Counter(status for row in futile for status in _repeats(row))
    listed = ", ".join(f"{status} ({count:,})" for status, count in statuses.most_common())
    wasted_s = sum(sum(row["attempt_waits_s"]) + sum(row["attempt_durations_s"][:-1]) for row in futile)
    return Finding(
        detector="D14",
        category="dependency",
        place=calls.place,
        window=window,
        title=f"{sum(statuses.values()):,} retries of requests that cannot succeed",
        why=(
            f"{len(futile):,} calls were sent again after {listed}. Such answers say that the request, the key or the "
            f"model is wrong; the repeats and their waits took {wasted_s:,.1f} s and count against the rate limit."
        ),
        fix=Fix("Retry on 408, 409, 429 and 5xx and on broken connections only; let other errors through.", _SNIPPET),
        verify="No call of this place has a 4xx other than 408, 409 or 429 among its repeated attempts.",
        confidence="high",
        trace_ids=traces(futile),
        evidence=calls.evidence(futile),
    )


DETECTOR = Detector("D14", timedelta(days=7), find, min_days=1)
