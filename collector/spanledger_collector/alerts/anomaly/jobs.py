"""Jobs: hours far busier than those around them, which may come some hours earlier or later and are no news then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.evidence import count_shift
from spanledger_collector.alerts.anomaly.signal import FIRE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.habits import Days
    from spanledger_collector.alerts.anomaly.season import Season

_MOVES: Final = (-120, -90, -60, -30, 30, 60, 90, 120)  # minutes by which a job may come earlier or later
_AWAY: Final = timedelta(minutes=_MOVES[-1])
_HOUR: Final = timedelta(hours=1)
_HOURS: Final = 3  # of one job at most


@dataclass(frozen=True, slots=True)
class Awaited:
    """A job's usual hours, in which too few calls came."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    group: int
    minutes: int  # since it should have begun
    calls: float  # in its usual hours
    expected: float
    nats: float


class Jobs:
    """``season`` and ``days`` are those of the watch, which keeps them up to date."""

    def __init__(self, season: Season, days: Days, step_minutes: int) -> None:
        self._season, self._days, self._step = season, days, step_minutes
        self._awaited: dict[int, Awaited] = {}
        self._judged: dict[int, datetime] = {}  # by group, the end of the last job that was waited for

    def calm(self, now: datetime, group: int, minutes: int) -> float:
        """Usual calls of the window that ends now, as if there were no job in it."""
        hours = self._hours(now, group, minutes)
        most = np.array([hours[_hour(at)] for at in self._middles(now, minutes)], np.float64) * self._step
        return float(np.minimum(self.usual(now, group, minutes), most).sum())

    def moved(self, now: datetime, group: int, minutes: int) -> float:
        """The most calls of the window that would be usual if a job came up to two hours earlier or later."""
        season, hours, middles = self._season, self._hours(now, group, minutes), self._middles(now, minutes)
        usual = self.usual(now, group, minutes) / self._step
        jobs = np.zeros((len(_MOVES), len(middles)))
        for row, move in enumerate(_MOVES):
            for column, at in enumerate(middle + timedelta(minutes=move) for middle in middles):
                if hours[_hour(at)] < np.inf:
                    jobs[row, column] = season.rate(at, group)
        return float(np.maximum(jobs, usual).sum(axis=1).max()) * self._step

    def _hours(self, now: datetime, group: int, minutes: int) -> dict[datetime, float]:
        """What the hours in reach of the window would be without a job, see ``Season.calm``."""
        first, last = _hour(now - timedelta(minutes=minutes) - _AWAY), _hour(now + _AWAY)
        count = int((last - first) / _HOUR) + 1
        return {at: self._season.calm(at, group) for at in (first + place * _HOUR for place in range(count))}

    def wait_for(self, now: datetime, group: int, minutes: int) -> None:
        """The job in the window may still come, or has come already: it is judged when both are past."""
        middles = [at for at in self._middles(now, minutes) if self._season.is_job(at, group)]
        if not middles or group in self._awaited:
            return
        start = end = _hour(middles[-1])
        while self._season.is_job(start - _HOUR, group) and end - start < _HOURS * _HOUR:
            start -= _HOUR
        while self._season.is_job(end, group) and end - start < _HOURS * _HOUR:
            end += _HOUR
        if self._judged.get(group, start) <= start:
            self._awaited[group] = Awaited(start, end)

    def missed(self, now: datetime, free: Floats, dispersion: Floats) -> Iterator[Missed]:
        """Those that came neither at their time nor around it, of groups ``free`` of incidents for so many minutes."""
        due = {group: job for group, job in self._awaited.items() if now >= job.end + _AWAY}
        for group, job in due.items():
            del self._awaited[group]
            self._judged[group] = job.end
            if free[group] >= (now - job.start + _AWAY) / timedelta(minutes=1) and (
                missed := self._missed(now, group, job, dispersion[group])
            ):
                yield missed

    def _missed(self, now: datetime, group: int, job: Awaited, dispersion: Floats) -> Missed | None:
        minutes = int((now - job.start + _AWAY) / timedelta(minutes=1))
        calls = self._days.last(group, minutes)
        usual = self.usual(now, group, minutes) * float(self._season.level[0, group])
        its = np.array([job.start <= at < job.end for at in self._middles(now, minutes)])
        seen, expected = float(calls[its].sum()), float(usual[its].sum())
        instead = float((calls - usual)[~its].sum())
        nats = -float(count_shift(np.array(seen), np.array(expected), dispersion))
        if seen > 0.5 * expected or instead >= 0.5 * (expected - seen) or nats < FIRE:
            return None
        return Missed(group, int((now - job.start) / timedelta(minutes=1)), seen, expected, nats)

    def usual(self, end: datetime, group: int, minutes: int) -> Floats:
        """The season's calls by bucket of so many minutes, oldest first."""
        return np.array([self._season.rate(at, group) for at in self._middles(end, minutes)], np.float64) * self._step

    def _middles(self, end: datetime, minutes: int) -> list[datetime]:
        """Of the buckets of so many minutes that end then, oldest first."""
        step = timedelta(minutes=self._step)
        count = minutes // self._step
        return [end - step / 2 - step * back for back in range(count - 1, -1, -1)]


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
