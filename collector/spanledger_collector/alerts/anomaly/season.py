"""How many calls are usual at this time: hour of week over five weeks, minutes within the day, and the recent level."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.ring import widened

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats

_DAYS: Final = 35
_SLOTS: Final = 288  # five minutes
_FADE: Final = 0.97  # a day's weight against the next one's
_LEVEL_DECAYS: Final = np.array([0.5 ** (1 / 24), 0.5 ** (1 / 72)])[:, None, None]  # of a day, of several
_SHRINK: Final = 20.0  # calls' worth of the whole hour in each of its slots
_JOB: Final = 2.5  # times as busy as the middle one of the hours around, and a call: a job's hour
_AROUND: Final = [timedelta(hours=hours) for hours in range(-3, 4)]
_REBORN: Final = 10.0  # times as many calls as in all of the past: another life, of which nothing is known


class Season:
    """``rate`` is calls per minute by group, before the level; hours masked by ``seen`` are not learned from."""

    def __init__(self) -> None:
        self._calls: Floats = np.zeros((_DAYS, 24, 0))
        self._seen: Floats = np.zeros((_DAYS, 24, 0))  # 1 where an hour counts
        self._slots: Floats = np.zeros((_SLOTS, 0))
        self._level: Floats = np.zeros((2, 2, 0))
        self._days = np.full(_DAYS, -1, dtype=np.int64)  # ordinal of the day each row holds
        self._shape: Floats = np.zeros((7, 24, 0))
        self._ratio: Floats = np.ones((_SLOTS, 0))
        self._begun: NDArray[np.bool_] = np.zeros(0, np.bool_)  # hours before the first call are no quiet ones
        self.known: Floats = np.zeros((7, 0))  # days learned, by day of week

    def widen(self, groups: int) -> None:
        for name in ("_calls", "_seen", "_slots", "_level", "_shape", "known"):
            setattr(self, name, widened(getattr(self, name), groups))
        self._ratio = widened(self._ratio, groups, 1.0)
        self._begun = np.append(self._begun, np.zeros(groups - len(self._begun), np.bool_))

    @property
    def level(self) -> Floats:
        """Calls against the season's, 1 when they agree: ``[0]`` of the last day, ``[1]`` of the last days."""
        level: Floats = (self._level[:, 0] + 5.0) / (self._level[:, 1] + 5.0)
        return level

    def rate(self, at: datetime, group: int | slice = slice(None)) -> Floats:
        slot = (at.hour * 60 + at.minute) // 5
        shape: Floats = self._shape[at.weekday(), at.hour, group] * self._ratio[slot, group] / 60.0
        return shape

    def calm(self, at: datetime, group: int) -> float:
        """Calls per minute of the middle one of the hours around, in an hour that is a job's; endless in others."""
        middle = float(np.median([self._shape[hour.weekday(), hour.hour, group] for hour in (at + d for d in _AROUND)]))
        is_job = self._shape[at.weekday(), at.hour, group] >= _JOB * middle + 1.0
        return middle / 60.0 if is_job else np.inf

    def is_job(self, at: datetime, group: int) -> bool:
        return bool(np.isfinite(self.calm(at, group)))

    def settle(self, groups: NDArray[np.int64], calls: Floats, usual: Floats) -> None:
        """From now on their level is what these calls were of the season's. What was usual for days stays known."""
        self._level[0][:, groups] = np.stack([calls, usual])
        reborn = groups[calls + 5.0 > _REBORN * (usual + 5.0)]
        for past in (self._calls, self._seen, self._slots, self._level, self._shape, self.known):
            past[..., reborn] = 0.0

    def learn(self, hour: datetime, slots: Floats, seen: Floats) -> None:
        """The hour that began then: ``slots[12, group]`` calls by five minutes; ``seen[group]`` 0 hides a group."""
        row = hour.toordinal() % _DAYS
        if self._days[row] != hour.toordinal():
            self._calls[row], self._seen[row], self._days[row] = 0.0, 0.0, hour.toordinal()
        self._begun |= slots.any(axis=0)
        seen = seen * self._begun
        calls = slots.sum(axis=0) * seen
        usual = self._shape[hour.weekday(), hour.hour] * seen
        self._calls[row, hour.hour], self._seen[row, hour.hour] = calls, seen
        self._level = _LEVEL_DECAYS * self._level + np.stack([calls, usual]) * (usual > 0)
        place = slice(hour.hour * 12, hour.hour * 12 + 12)
        self._slots[place] = self._slots[place] * _FADE + slots * seen
        self._estimate(hour)

    def _estimate(self, hour: datetime) -> None:
        """Hour of week, held to day of week times hour of day by the weight of one observation."""
        today = hour.toordinal()
        age = np.where(self._days >= 0, today - self._days, 10_000)
        weight = np.where(age < _DAYS, _FADE ** np.minimum(age, 1000), 0.0)
        weekday = (self._days - 1) % 7  # ordinal 1 was a Monday
        calls, seen = (np.zeros((7, *part.shape[1:])) for part in (self._calls, self._seen))
        for day in range(7):
            mine = weight * (weekday == day)
            calls[day] = np.tensordot(mine, self._calls, 1)
            seen[day] = np.tensordot(mine, self._seen, 1)
        self.known = (seen > 0.3).sum(axis=1) / 24.0  # noqa: PLR2004
        prior = _additive_free_prior(calls, seen)
        self._shape = (calls + prior) / (seen + 1.0)
        totals = self._slots.reshape(24, 12, -1)
        mean = totals.mean(axis=1, keepdims=True)
        self._ratio = ((totals + _SHRINK) / (mean + _SHRINK)).reshape(_SLOTS, -1)


def _additive_free_prior(calls: Floats, seen: Floats) -> Floats:
    """Hour of day times a factor for the day of week, each from all the data there is of it."""
    by_hour = calls.sum(axis=0) / np.maximum(seen.sum(axis=0), 1e-9)
    usual = (seen * by_hour).sum(axis=1)
    factor = (calls.sum(axis=1) + 1.0) / (usual + 1.0)
    prior: Floats = factor[:, None, :] * by_hour[None]
    return prior
