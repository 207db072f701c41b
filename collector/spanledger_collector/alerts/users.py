"""One user of a service who runs away, floods or fails, against what that user does in a usual month, and others do.

Bounded: of an hour only the users are looked at that cost most, called most and failed most. Where much of a service
moves at once it is no matter of a user's, and the rules of its place tell of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.evidence import too_many
from spanledger_collector.alerts.spend import driver
from spanledger_collector.alerts.stored_calls import window
from spanledger_collector.alerts.user_days import Days, UserDays
from spanledger_collector.alerts.verdict import Timing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery

RULES: Final[Mapping[str, str]] = {
    "user_cost_runaway": "known cost of one user of a service in an hour against the dearest usual hours of that user; "
    "of a new one, against the most of any other",
    "user_traffic_surge": "calls of one user of a service in an hour against the busiest usual hours of that user; "
    "of a new one, against the most of any other",
    "user_failure_spike": "failures of one user of a service in an hour against that user's usual days, and against "
    "others at the same providers and models",
}
_HOUR: Final = timedelta(hours=1)
_GRACE: Final = timedelta(seconds=20)
_RATIO: Final = 3.0
_OTHERS: Final = 5  # users whose hour a new user is compared with, at least
_FAILED, _FAILED_SHARE, _NATS = 10, 0.2, 14.0
_FEW_CALLS: Final = 20  # of others, from which their failures tell something
_CAUTION: Final = 0.1  # share of failures expected of a user of whom nothing is known
_MANY, _MUCH = 4, 0.3  # so many users, and so large a share of those looked at, are the service's matter


@dataclass(frozen=True, slots=True)
class _Measure:
    """How much more than usual is worth telling, of a user who is known and of one who is new."""

    rule: str
    seen: str
    unit: str
    others: str
    excess: float
    excess_new: float


_MEASURES: Final = (
    _Measure("user_cost_runaway", "cost_usd", "US dollars", "others_peak_usd", 1.0, 5.0),
    _Measure("user_traffic_surge", "calls", "calls", "others_peak_calls", 100.0, 300.0),
)


class Users:
    """A rule: judged every five minutes, by the ledger alone, so that a restart and a back-test say the same."""

    timing = Timing(keep_firing_for=timedelta(minutes=30))

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._days = UserDays(run_query)
        self._judged: datetime | None = None
        self._verdicts: list[Verdict] = []

    def owns(self, rule: str) -> bool:
        return rule in RULES

    def judge(self, now: datetime) -> Sequence[Verdict]:
        end = now - _GRACE
        end = end.replace(minute=end.minute // 5 * 5, second=0, microsecond=0)
        if end != self._judged:
            self._judged = end  # first: what failed is asked for again in five minutes, not in half a one
            self._verdicts = self.at(end)
        return self._verdicts

    def at(self, end: datetime) -> list[Verdict]:
        """Of the hour that ends then, a whole five minutes; knows of nothing later."""
        rows: list[Row] = self._run_query("busy_users", window(end - _HOUR, end)).to_pylist()
        loud = [row for row in rows if _is_loud(row)]
        days = self._days.before(end, {(row["service"], row["user"]) for row in loud})
        found = [one for row in loud for one in _judged(row, days[row["service"], row["user"]], end)]
        return [self._told(one, end) for one in _of_few(found, Counter(row["service"] for row in rows))]

    def _told(self, verdict: Verdict, end: datetime) -> Verdict:
        since, by = end - _HOUR, ""
        if verdict.unit == "US dollars":
            by = driver(self._run_query, dict(verdict.labels), since, end, verdict.seen)
        return replace(verdict, since=since, summary=f"{verdict.summary}; {by}" if by else verdict.summary)


def _is_loud(row: Row) -> bool:
    """Enough in an hour to be worth a look at the past."""
    enough = any(float(row[one.seen] or 0) > one.excess for one in _MEASURES)
    return enough or (row["failures"] >= _FAILED and row["failures"] >= _FAILED_SHARE * row["calls"])


def _judged(row: Row, days: Days, end: datetime) -> Iterator[Verdict]:
    for measure in _MEASURES:
        if one := _far(row, days, measure, end):
            yield one
    if one := _failing(row, days, end):
        yield one


def _far(row: Row, days: Days, measure: _Measure, end: datetime) -> Verdict | None:
    seen = float(row[measure.seen] or 0)
    usual = days.peak(measure.unit, end)
    if usual is None and row["others"] < _OTHERS:
        return None  # a new user among few: not enough data
    expected = float(row[measure.others]) if usual is None else usual
    excess = measure.excess_new if usual is None else measure.excess
    if seen < _RATIO * expected or seen - expected <= excess:
        return None
    whose = "no other user of it had more than" if usual is None else "usual for that user are up to"
    return _verdict(row, measure.rule, measure.unit, seen, expected, whose)


def _failing(row: Row, days: Days, end: datetime) -> Verdict | None:
    calls, failures = float(row["calls"]), float(row["failures"])
    own = days.peak("failures", end)
    others = float(row["like_others"]) / calls if row["others_calls"] >= _FEW_CALLS else None
    known = [rate for rate in (own, others) if rate is not None]
    rate = max(known) if known else _CAUTION
    rate = min(rate + np.sqrt(rate * (1 - rate) / calls) + 1 / calls, 0.999)
    share = failures / max(calls, 1.0)
    nats = float(too_many(np.array(failures), np.array(calls), np.array(rate)))
    if failures < _FAILED or share < max(_FAILED_SHARE, 2 * rate) or nats < _NATS:
        return None
    return _verdict(row, "user_failure_spike", "failures", failures, rate * calls, "expected are up to")


def _verdict(row: Row, rule: str, unit: str, seen: float, expected: float, whose: str) -> Verdict:  # noqa: PLR0917
    money = unit == "US dollars"
    told, usual = (f"${number:,.2f}" if money else f"{number:,.0f}" for number in (seen, expected))
    what = "" if money else f" of {row['calls']:,} calls failed" if unit == "failures" else " calls"
    return Verdict(
        rule=rule,
        kind=rule,
        labels=(("service", row["service"]), ("user", row["user"])),
        judgement="failing",
        calls=int(row["calls"]),
        seen=seen,
        expected=expected,
        unit=unit,
        window_minutes=60,
        summary=f"{told}{what} by user {row['user']} of {row['service']} in the last hour; {whose} {usual}",
        basis=RULES[rule],
    )


def _of_few(found: Sequence[Verdict], looked_at: Mapping[str, int]) -> Iterator[Verdict]:
    together = Counter((one.rule, one.labels[0][1]) for one in found)
    for one in found:
        service = one.labels[0][1]
        count = together[one.rule, service]
        if count < _MANY or count < _MUCH * looked_at[service]:
            yield one
