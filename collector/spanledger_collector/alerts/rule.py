"""Rules and their evaluation: a pure function of minute buckets and a time, so that the past can be replayed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from spanledger_collector.alerts.tail import binomial_tail, upper_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

Judgement = Literal["failing", "normal", "not_enough_data"]
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureSpike:
    """Fires when failures in the window are next to impossible at the group's own past rate.

    ``alpha`` is that small because a fleet asks often: 50 groups, twice a minute, are 144,000 questions a day.
    """

    name: str = "failure-spike"
    group_by: tuple[str, ...] = ("service", "model")
    window: timedelta = timedelta(minutes=5)
    history: timedelta = timedelta(hours=24)  # ends where the window begins
    min_calls: int = 10  # in the window
    min_history_calls: int = 50
    min_failures: int = 5
    floor: float = 0.01  # no past is taken to be better than this
    alpha: float = 1e-6
    pending_for: timedelta = timedelta(minutes=1)
    keep_firing_for: timedelta = timedelta(minutes=5)


FAILURE_SPIKE = FailureSpike()


@dataclass(frozen=True, slots=True)
class Verdict:
    labels: tuple[tuple[str, str], ...]  # sorted by name
    judgement: Judgement
    calls: int
    failures: int
    expected: float  # failures in the window at the past rate
    summary: str


def evaluate(buckets: pa.Table, now: datetime, rule: FailureSpike = FAILURE_SPIKE) -> list[Verdict]:
    """Judge every group with calls in the window; ``buckets`` has bucket, the rule's labels, calls, failures.

    Buckets are minutes in the window and may be longer before it, a bucket belonging to the time at which it starts.
    The window is the running minute and those before it; nothing after ``now`` is looked at.
    """
    since = window_start(now, rule)
    past = _totals(_between(buckets, since - rule.history, since), rule.group_by)
    current = _totals(_between(buckets, since, now), rule.group_by)
    return [_judge(rule, group, window, past.get(group, (0, 0))) for group, window in current.items()]


def window_start(now: datetime, rule: FailureSpike) -> datetime:
    """The running minute and those before it that make up the window."""
    return now.replace(second=0, microsecond=0) + _MINUTE - rule.window


def _between(buckets: pa.Table, start: datetime, end: datetime) -> pa.Table:
    bucket = pc.field("bucket")
    return buckets.filter((bucket >= start) & (bucket < end))


def _totals(buckets: pa.Table, by: Sequence[str]) -> dict[tuple[str, ...], tuple[int, int]]:
    summed = buckets.group_by(list(by)).aggregate([("calls", "sum"), ("failures", "sum")]).to_pylist()
    return {tuple(row[name] for name in by): (row["calls_sum"], row["failures_sum"]) for row in summed}


def _judge(rule: FailureSpike, group: tuple[str, ...], window: tuple[int, int], past: tuple[int, int]) -> Verdict:
    labels = tuple(sorted(zip(rule.group_by, group, strict=True)))
    missing = _missing(rule, window[0], past[0])
    if missing:
        return Verdict(labels, "not_enough_data", *window, 0.0, missing)
    rate = past[1] / past[0]
    chance = binomial_tail(*window, max(rule.floor, upper_rate(*past)))
    failing = window[1] >= rule.min_failures and chance < rule.alpha
    return Verdict(labels, "failing" if failing else "normal", *window, window[0] * rate, _summary(window, past, rule))


def _missing(rule: FailureSpike, calls: int, past_calls: int) -> str:
    if calls < rule.min_calls:
        return f"not enough data: {calls} calls in the window, {rule.min_calls} are needed"
    if past_calls < rule.min_history_calls:
        return f"not enough data: {past_calls} calls before the window, {rule.min_history_calls} are needed"
    return ""


def _summary(window: tuple[int, int], past: tuple[int, int], rule: FailureSpike) -> str:
    calls, failures = window
    minutes = rule.window // _MINUTE
    return (
        f"{failures} of {calls} calls failed in the last {minutes} minutes ({failures / calls:.0%}); "
        f"before that {past[1]:,} of {past[0]:,} ({past[1] / past[0]:.2%})"
    )
