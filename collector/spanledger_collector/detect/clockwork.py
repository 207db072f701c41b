"""D28b: jobs that start by the clock, at the full price: a batch takes half, and on the hour they meet rate limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.batchable import MIN_SHARE, bursts, half, waits_for_nobody
from spanledger_collector.detect.facts import Calls, by_place, percent, placed
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PERIODS_S: Final = {86_400: "by the day", 3_600: "by the hour", 900: "by the quarter of an hour"}
SLACK_S: Final = 30.0
MIN_RUNS: Final = 5
ON_TIME: Final = 0.9  # of the runs
MIN_REFUSED: Final = 5
GAP_S: Final = 300
_TOO_MANY: Final = 429

_SNIPPET = """\
batch = client.batches.create(input_file_id=..., endpoint="/v1/chat/completions", completion_window="24h")
# or, where it has to be now: start off the minute, each process at another second
time.sleep(random.uniform(0, 600))"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    runs = placed(ask("job_runs", gap_s=[str(GAP_S)]))
    for calls in by_place(ask("call_facts")):
        whole = [run for run in runs.get(calls.place, ()) if (run["start"] - window.start).total_seconds() > GAP_S]
        clock = _clock([run["start"].timestamp() for run in whole])
        if clock and sum(run["calls"] for run in whole) >= MIN_SHARE * calls.calls:
            yield from _found(calls, whole, clock, window)


def _clock(starts: Sequence[float]) -> str:
    """When they start, in words; nothing where no clock tells it."""
    for period, words in PERIODS_S.items() if len(starts) >= MIN_RUNS else ():
        phases = [start % period for start in starts]
        late, phase = max((_on_time(phases, each, period), each) for each in phases)
        if late >= ON_TIME * len(starts):
            return f"{words}, at {_named(phase, period)}"
    return ""


def _on_time(phases: Sequence[float], at: float, period: int) -> int:
    away = (abs(phase - at) for phase in phases)
    return sum(min(each, period - each) <= SLACK_S for each in away)


def _named(phase: float, period: int) -> str:
    minutes = round(phase / 60) % (period // 60)
    return f"{minutes // 60:02}:{minutes % 60:02} UTC" if period > 3_600 else f":{minutes:02}"  # noqa: PLR2004 - an hour


def _found(calls: Calls, runs: Sequence[Row], clock: str, window: Window) -> Iterator[Finding]:
    refused = [row for row in calls.rows if row["http_status"] == _TOO_MANY or _TOO_MANY in row["attempt_statuses"]]
    limited = len(refused) >= MIN_REFUSED
    dear = [row for row in calls.rows if waits_for_nobody(row)]
    if limited or (dear and not bursts(calls)):  # bursts without refusals are D28's to tell
        yield _finding(calls, runs, clock, (dear, refused if limited else []), window)


def _finding(
    calls: Calls, runs: Sequence[Row], clock: str, shown: tuple[list[Row], list[Row]], window: Window
) -> Finding:
    dear, refused = shown
    size = sum(run["calls"] for run in runs) / len(runs)
    limits = f" {percent(len(refused), len(calls.rows))} of its calls were refused for their rate (429)."
    return calls.finding(
        refused or dear,
        window,
        calls.money(dear, "call", half),
        detector="D28b",
        category="cost",
        title=f"A job that starts {clock} {'is refused for its rate' if refused else 'pays the full price'}",
        why=(
            f"{len(runs):,} runs of {size:,.0f} calls start {clock}, within {SLACK_S:.0f} s, with nothing around them "
            f"that a user waits for.{_cheaper(dear)}{limits if refused else ''}"
        ),
        fix=Fix("Send them as a batch, or with the flex tier; let what must run now start off the minute.", _SNIPPET),
        verify="Calls of this place carry the tier 'batch' or 'flex', and none is refused for its rate.",
        confidence="high" if refused else "medium",
    )


def _cheaper(dear: Sequence[Row]) -> str:
    return " As a batch they cost half, if the results may take up to a day." if dear else ""


DETECTOR = Detector("D28b", timedelta(days=7), find, claims="batch")
