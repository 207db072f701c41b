"""Spend by team and by provider: an hour's known cost against the same time of week, for what no one place explains.

Logarithms against their median, spread by the median absolute deviation (Rousseeuw and Croux 1993): what was wild once
does not move either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from spanledger_collector.alerts.stored_calls import window
from spanledger_collector.alerts.verdict import Timing, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.stored_calls import RunQuery

KIND: Final = "spend_surge"
RULES: Final[Mapping[str, str]] = {
    KIND: "known cost of an hour by team or provider against the same hour of week, in two of three hours"
}
DIMENSIONS: Final = ("team", "provider")
_HOUR: Final = timedelta(hours=1)
_HOUR_NS: Final = 3600 * 10**9
_WEEK: Final = 168
PAST: Final = timedelta(weeks=5)
_LATE: Final = timedelta(minutes=5)  # an hour is judged when the calls that ended in it have arrived
_KEYS: Final = 200  # of a dimension, those that cost most
_Z, _RATIO, _EXCESS_USD = 4.0, 1.5, 1.0
_SPREAD: Final = (1.4826, 0.15)  # MAD to a standard deviation, and the least of one
_FLOOR_USD: Final = 0.05


@dataclass(frozen=True, slots=True)
class Surge:
    """US dollars of the hour that ends ``end``."""

    dimension: str
    key: str
    end: datetime
    seen: float
    expected: float
    calls: int


class Spend:
    """A rule: judged once an hour, and so until the next one."""

    timing = Timing(keep_firing_for=_HOUR)

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._judged: datetime | None = None
        self._verdicts: list[Verdict] = []

    def owns(self, rule: str) -> bool:
        return rule == KIND

    def judge(self, now: datetime) -> Sequence[Verdict]:
        end = (now - _LATE).replace(minute=0, second=0, microsecond=0)
        if end != self._judged:
            ledgers = [Hours.read(self._run_query, name, end - PAST, end) for name in DIMENSIONS]
            found = [surge for hours in ledgers for surge in hours.surges(end)]
            self._verdicts = [self._verdict(surge) for surge in found]
            self._judged = end
        return self._verdicts

    def _verdict(self, surge: Surge) -> Verdict:
        where, since = {surge.dimension: surge.key}, surge.end - _HOUR
        return verdict(surge, driver(self._run_query, where, since, surge.end, surge.seen))


@dataclass(frozen=True, slots=True)
class Hours:
    """``cost`` and ``calls`` by key and hour from ``start`` on."""

    dimension: str
    keys: Sequence[str]
    start: datetime
    cost: Floats
    calls: Floats

    @classmethod
    def read(cls, run_query: RunQuery, dimension: str, start: datetime, end: datetime) -> Hours:
        size = (end - start) // _HOUR
        found: dict[str, Floats] = {}
        for first in range(0, size, _WEEK):
            asked = window(start + first * _HOUR, start + min(first + _WEEK, size) * _HOUR)
            table = run_query("spend_over_time", asked | {"bucket": ["hour"], "by": [dimension]})
            begins = table.column("bucket").cast(pa.int64()).to_numpy() // _HOUR_NS - int(start.timestamp()) // 3600
            columns = (table.column(name).to_pylist() for name in ("key", "cost_usd", "calls"))
            for at, key, cost, calls in zip(begins, *columns, strict=True):
                found.setdefault(key, np.zeros((2, size)))[:, at] = float(cost or 0), calls
        keys = sorted((key for key in found if key), key=lambda key: -found[key][0].sum())[:_KEYS]
        sums = np.array([found[key] for key in keys]).reshape(len(keys), 2, size)
        return cls(dimension, keys, start, sums[:, 0], sums[:, 1])

    def surges(self, end: datetime) -> Iterator[Surge]:
        """Keys whose last hour and one of the two before it stand out of their own past."""
        last = (end - self.start) // _HOUR - 1
        if not self.keys or last <= _WEEK:
            return
        judged = [self._judge(hour) for hour in (last, last - 1, last - 2)]
        out = [high for high, _ in judged]
        for row in np.flatnonzero(out[0] & (out[1] | out[2])).tolist():
            seen, expected = float(self.cost[row, last]), float(judged[0][1][row])
            yield Surge(self.dimension, self.keys[row], end, seen, expected, int(self.calls[row, last]))

    def _judge(self, hour: int) -> tuple[NDArray[np.bool_], Floats]:
        """Whether that hour stands out, and what was expected of it, by key; knows only hours before it."""
        logs = np.log(self.cost[:, : hour + 1] + _FLOOR_USD)
        begun = (self.calls[:, :hour].cumsum(axis=1) > 0).sum(axis=1)  # hours since the first call
        same = logs[:, max(hour % _WEEK, hour - 5 * _WEEK) : hour : _WEEK]
        daily = logs[:, hour % 24 : hour : 24][:, -7:]
        weekly = begun >= 3 * _WEEK
        usual = np.where(weekly, _median(same[:, -4:]), _median(daily))
        spread = np.where(weekly, _spread(logs[:, :hour], _WEEK), _spread(logs[:, :hour], 24))
        expected = np.maximum(np.exp(usual) - _FLOOR_USD, 0.0)
        cost = self.cost[:, hour]
        high = (logs[:, hour] - usual) / spread > _Z
        high &= (cost > _RATIO * expected) & (cost - expected > _EXCESS_USD) & (begun >= _WEEK)
        return high, expected


def verdict(surge: Surge, by: str = "") -> Verdict:
    who = f"; {by}" if by else ""
    return Verdict(
        rule=KIND,
        kind=KIND,
        labels=((surge.dimension, surge.key),),
        judgement="failing",
        calls=surge.calls,
        seen=surge.seen,
        expected=surge.expected,
        unit="US dollars",
        window_minutes=60,
        summary=(
            f"${surge.seen:,.2f} by {surge.dimension} {surge.key} in the last hour; "
            f"${surge.expected:,.2f} were expected{who}"
        ),
        basis=RULES[KIND],
        since=surge.end - _HOUR,
    )


def driver(run_query: RunQuery, where: Mapping[str, str], since: datetime, until: datetime, usd: float) -> str:
    """The user, conversation or calling line that made most of ``usd``, where one did and usually does not."""
    asked = {name: [value] for name, value in where.items()} | window(since, until)
    for row in run_query("drivers", asked).to_pylist():
        share = float(row["cost_usd"] or 0) / usd
        if row["dimension"] not in where and share >= 0.5 and share >= 2 * row["usual_share"]:  # noqa: PLR2004
            return f"{share:.0%} of it by {row['dimension'].replace('_', ' ')} {row['value']}"
    return ""


def _spread(logs: Floats, lag: int) -> Floats:
    """Standard deviation of an hour, from how hours of the last two weeks differ from those ``lag`` earlier."""
    apart = np.abs(logs[:, lag:] - logs[:, :-lag])[:, -2 * _WEEK :]
    spread: Floats = np.maximum(_SPREAD[0] * _median(apart) / np.sqrt(2), _SPREAD[1])
    return spread


def _median(values: Floats) -> Floats:
    if not values.shape[1]:
        return np.zeros(len(values))
    middle: Floats = np.median(values, axis=1)
    return middle
