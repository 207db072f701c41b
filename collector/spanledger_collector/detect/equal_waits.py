"""D13b: repeats that all wait equally long: calls refused together come back together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window
from spanledger_collector.detect.hasty_retries import MIN_CHAINS, fault, repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EQUAL: Final = 0.1  # of the median: so far apart are eight of ten waits
WAVE_S: Final = 0.25
CROWD: Final = 5  # calls that come back in one wave
AROUND_S: Final = 10.0
TIMES_EVEN: Final = 4  # as many as if those of the seconds around came evenly
MIN_SHARE: Final = 0.5  # of a place's repeats
_REFUSED: Final = 400

_SNIPPET = """\
@retry(wait=wait_random_exponential(multiplier=1, max=60), stop=stop_after_attempt(5))  # tenacity
def ask(...): ...   # or leave it to the SDK, which takes up to a quarter off each wait by chance"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        chains = repeated(calls)
        own = [row for row in chains if _chose_its_wait(row)]
        if len(own) >= MIN_CHAINS and not fault(chains) and _equal(_first_waits(own)):
            waves = list(_waves(own))
            if sum(map(len, waves)) >= max(MIN_CHAINS, MIN_SHARE * len(own)):
                yield _finding(calls, own, waves, window)


def _chose_its_wait(row: Row) -> bool:
    """That all wait what the provider told them is no fault of theirs."""
    told = max(row["attempt_retry_after_s"][:1], default=-1.0)
    return told <= 0 and bool(row["attempt_durations_s"]) and row["attempt_waits_s"][0] > 0


def _first_waits(chains: Sequence[Row]) -> list[float]:
    return [row["attempt_waits_s"][0] for row in chains]


def _equal(waits: Sequence[float]) -> bool:
    tenths = quantiles(waits, n=10, method="inclusive")
    return tenths[-1] - tenths[0] < EQUAL * median(waits)


def _back(row: Row) -> float:
    """When its second request went out, seconds since the epoch."""
    moment: float = row["start"].timestamp() + row["attempt_durations_s"][0] + row["attempt_waits_s"][0]
    return moment


def _waves(chains: Sequence[Row]) -> Iterator[Sequence[Row]]:
    rows = sorted(chains, key=_back)
    moments = [_back(row) for row in rows]
    first = 0
    while first < len(rows):
        end = max(first + 1, bisect_right(moments, moments[first] + WAVE_S))
        around = bisect_right(moments, moments[first] + AROUND_S) - bisect_left(moments, moments[first] - AROUND_S)
        if end - first >= max(CROWD, TIMES_EVEN * around * WAVE_S / (2 * AROUND_S)):
            yield rows[first:end]
        first = end


def _finding(calls: Calls, chains: Sequence[Row], waves: Sequence[Sequence[Row]], window: Window) -> Finding:
    together = [row for wave in waves for row in wave]
    again = sum(_failed_again(row) for row in together)
    return calls.finding(
        together,
        window,
        detector="D13b",
        category="dependency",
        title=f"Repeats wait equally long: up to {max(map(len, waves)):,} come back at one moment",
        why=(
            f"{len(chains):,} calls waited {median(_first_waits(chains)):.2f} s before their first repeat, eight of "
            f"ten within {EQUAL:.0%} of it. {len(together):,} of them came back in {len(waves):,} waves of a quarter "
            f"of a second, and {again:,} of those failed again."
        ),
        fix=Fix("Put chance into every wait, so that calls that fail together come back one by one.", _SNIPPET),
        verify=f"Waits before the first repeat differ by more than {EQUAL:.0%}, and fewer repeats fail again.",
        confidence="high" if 2 * again >= len(together) else "medium",
    )


def _failed_again(row: Row) -> bool:
    """The second request; 0 where no response came."""
    return any(status == 0 or status >= _REFUSED for status in row["attempt_statuses"][1:2])


DETECTOR = Detector("D13b", timedelta(days=7), find, min_days=1)
