"""Calls against the same time of week and the recent level; a surge that one user drives is a runaway."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import HOUR, around
from spanledger_collector.alerts.anomaly.evidence import count_shift
from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.habits import BACK, Days, alike, lasts
from spanledger_collector.alerts.anomaly.jobs import Jobs
from spanledger_collector.alerts.anomaly.ring import WINDOWS, Ring, widened
from spanledger_collector.alerts.anomaly.season import Season
from spanledger_collector.alerts.anomaly.signal import FIRE, Driver, Family, Found, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_CALLS, _SEASON, _CLEAN, _CLEAN_SEASON = range(4)
_TESTED: Final = (1, 2, 3, 4, 5, 6)  # ten minutes to three hours, of WINDOWS
_WHOLE: Final = len(WINDOWS) - 1
_USUAL: Final = (0.7, 1.25)  # of the level of the last days
_BUSY: Final = 8.0  # expected calls from which a fall can be told
_SURGE: Final = 1.5  # times as many calls as usual, also as those of a job that has moved
_JOBLESS: Final = 0.05  # share of the usual calls by which a window without a job may differ
_FEWER, _MORE = 0.75, 1.33  # of what was expected, in each of many groups
_TOGETHER: Final = 4  # groups, or all of fewer
_SILENT: Final = 1.5 * FIRE  # calls of the whole fleet that did not come
_FLEET_AWAY: Final = 0.25  # of the log of all calls of the last hour against what was expected
_RUNAWAY: Final = FIRE + 4  # a group and its busiest user are two looks at the same data
_HOLD: Final = 15.0  # calls' worth of the day's level in that of the last hours
_SUSPICIOUS: Final = 5.0  # nats from which it is worth asking who makes the calls
_PRIOR_WEIGHT, _PRIOR_DISPERSION = 200.0, 0.04


class Volume:
    family: Family = "volume"

    def __init__(self, step_minutes: int) -> None:
        self._season = Season()
        self._ring = Ring(4, step_minutes)
        self._days = Days(step_minutes)
        self._jobs = Jobs(self._season, self._days, step_minutes)
        self._spread: Floats = np.zeros((len(_TESTED), 2, 0))
        self._decay = 0.5 ** (step_minutes / (7 * 24 * 60))

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._season.widen(groups)
        self._ring.widen(groups)
        self._days.widen(groups)
        self._spread = widened(self._spread, groups)

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:
        calls = np.stack([view.by_group(row) for row in buckets[:, AT["calls"]]])
        slots = calls.reshape(12, -1, calls.shape[-1]).sum(axis=1)
        whole = np.ones(calls.shape[-1])
        np.minimum.at(whole, view.group_of, seen)
        self._season.learn(hour, slots, whole)

    def settle(self, scope: Scope, view: View) -> None:
        groups = np.array([scope.place]) if scope.level == "group" else np.arange(len(view.places.groups))
        self._season.settle(groups, *self._ring.sums[_WHOLE, :2, groups].T)

    def judge(self, view: View) -> Found:
        own = view.usable_group("volume")
        free = np.minimum(own, view.fleet.free)
        self._push(view, free > 0)
        expected, nats = self._evidence()
        known = self._known(view)
        self._calibrate(expected, known & (free >= WINDOWS[_WHOLE]))
        minutes = np.array([WINDOWS[place] for place in _TESTED])[:, None]
        open_now = (minutes <= free) & known
        against = (minutes <= own) & known & (nats > 0 if view.fleet.fell else nats < 0)  # what the fleet explains not
        likely = np.where((open_now | against) & self._is_on(expected, nats), nats, 0.0)
        sure = np.where(self._is_return(nats), 0.0, likely)
        signals = list(self._silence(expected * open_now))
        if self._ring.sums[0, _CALLS].any():  # else everything fell, and it is only a question of being sure
            signals = list(self._fleet(view, np.where(open_now, nats, 0.0), expected * open_now))
            signals = signals or [*self._drops(view, sure, expected), *self._surges(view, likely, sure, expected)]
        signals += self._missed_jobs(view, free)
        ratio = self._ring.sums[list(_TESTED), _CALLS] / np.maximum(expected, 1.0)
        hour = self._ring.sums[_TESTED[3], _CALLS].sum() + 1.0, expected[3].sum() + 1.0
        return Found(signals, lambda scope: _lingers(scope, nats, ratio, float(np.log(hour[0] / hour[1]))))

    def _known(self, view: View) -> NDArray[np.bool_]:
        days = self._season.known
        return np.asarray((days[view.now.weekday()] > 0.8) & (days.sum(axis=0) >= 7))  # noqa: PLR2004

    def bands(self, view: View) -> Iterator[Band]:
        hour = _TESTED.index(HOUR)
        expected = np.where(self._known(view), self._evidence()[0][hour], np.nan)
        spread = np.sqrt(expected + self._dispersion()[hour] * expected**2)
        yield around("calls", "calls", self._ring.sums[HOUR, _CALLS], expected, spread)

    def _push(self, view: View, clean: NDArray[np.bool_]) -> None:
        latest = view.cells.last(view.step_minutes)[0]
        calls = view.by_group(latest[AT["calls"]])
        usual = self._season.rate(view.now - _half(view.step_minutes)) * view.step_minutes
        self._ring.push(np.stack([calls, usual, calls * clean, usual * clean]))
        self._days.push(calls)

    def _evidence(self) -> tuple[Floats, Floats]:
        sums = self._ring.sums[list(_TESTED)]
        before = self._ring.sums[_WHOLE] - sums
        level = (before[:, _CLEAN] + _HOLD * self._season.level[0]) / (before[:, _CLEAN_SEASON] + _HOLD)
        expected = np.maximum(sums[:, _SEASON] * level, 0.0)  # differences of floats may be less than nothing
        return expected, count_shift(sums[:, _CALLS], expected, self._dispersion())

    def _is_return(self, nats: Floats) -> NDArray[np.bool_]:
        """After a campaign or a holiday the recent level is off, and what comes next is usual after all."""
        sums = self._ring.sums[list(_TESTED)]
        expected = sums[:, _SEASON] * self._season.level[1]
        against = count_shift(sums[:, _CALLS], expected, self._dispersion()) * np.sign(nats)
        ratio = sums[:, _CALLS] / np.maximum(expected, 1e-9)
        return np.asarray(((ratio > _USUAL[0]) & (ratio < _USUAL[1])) | (against < FIRE / 2))

    def _is_on(self, expected: Floats, nats: Floats) -> NDArray[np.bool_]:
        """The last half hour is off to the same side: a long window alone tells of what is over."""
        ratio = (self._ring.sums[_TESTED[2], _CALLS] + 1.0) / (expected[2] + 1.0)
        return np.asarray(np.where(nats > 0, ratio > 1.2, ratio < 0.8), np.bool_)  # noqa: PLR2004

    def _dispersion(self, group: int | slice = slice(None)) -> Floats:
        residual, weight = self._spread[:, 0, group], self._spread[:, 1, group]
        dispersion = (residual + _PRIOR_WEIGHT * _PRIOR_DISPERSION) / (weight + _PRIOR_WEIGHT)
        return np.maximum(dispersion, 0.005)

    def _calibrate(self, expected: Floats, trusted: NDArray[np.bool_]) -> None:
        """How far counts usually are from what was expected of them, beyond chance; what is wild counts as less."""
        calls = self._ring.sums[list(_TESTED), _CALLS]
        variance = expected + self._dispersion() * expected**2
        square = np.minimum((calls - expected) ** 2, 9.0 * variance)
        weight = np.minimum(expected, 20.0) * trusted
        relative = weight * (square - expected) / np.maximum(expected, 1.0) ** 2
        self._spread = self._decay * self._spread + np.stack([relative, weight], axis=1)

    def _fleet(self, view: View, nats: Floats, expected: Floats) -> Iterator[Signal]:
        """A holiday, a broken ingest, a launch everywhere: most groups move together, each perhaps by little."""
        busy = expected >= _BUSY
        ratio = self._ring.sums[list(_TESTED), _CALLS] / np.maximum(expected, 1.0)
        least = np.maximum(max(min(_TOGETHER, int((expected > 0).any(axis=0).sum())), 2), 0.6 * busy.sum(axis=1))
        for kind, moved in (("traffic_drop", busy & (ratio <= _FEWER)), ("traffic_surge", busy & (ratio >= _MORE))):
            together = moved.sum(axis=1) >= least
            for place in np.flatnonzero(together & (_shared(nats * moved) >= 2 * FIRE)).tolist():
                still = self._without_jobs(view, kind, place, moved[place], expected)
                strength = np.where(moved[place], still, 0.0)
                if (strength > 0).sum() >= least[place] and _shared(strength) >= 2 * FIRE:
                    yield self._fleet_signal(kind, place, expected, strength > 0, float(strength.sum()))
                    break

    def _without_jobs(self, view: View, kind: str, place: int, moved: NDArray[np.bool_], expected: Floats) -> Floats:
        """Evidence by group that it has moved and that no job's other hour explains it."""
        calls, nats = self._ring.sums[_TESTED[place], _CALLS], np.zeros(len(moved))
        for group in np.flatnonzero(moved).tolist():
            fell = kind == "traffic_drop"
            usual = (self._calm if fell else self._moved)(view, (place, group), expected)
            if calls[group] <= _FEWER * usual if fell else calls[group] >= _MORE * usual:
                nats[group] = np.abs(count_shift(calls[group], usual, self._dispersion(group)[place]))
        return nats

    def _silence(self, expected: Floats) -> Iterator[Signal]:
        """Not one call anywhere: senders or the way to here are broken, whatever the groups."""
        calls = self._ring.sums[list(_TESTED), _CALLS].sum(axis=1)
        for place in np.flatnonzero((calls == 0) & (expected.sum(axis=1) >= _SILENT))[:1]:
            certain = float(expected[place].sum())
            yield self._fleet_signal("ingest_silence", int(place), expected, expected[place] > 0, certain)

    def _fleet_signal(self, kind: str, place: int, expected: Floats, moved: NDArray[np.bool_], nats: float) -> Signal:
        calls = float(self._ring.sums[_TESTED[place], _CALLS].sum())
        return Signal(
            family="volume",
            kind=kind,
            scope=Scope("fleet"),
            minutes=WINDOWS[_TESTED[place]],
            nats=nats,
            seen=calls,
            expected=float(expected[place].sum()),
            unit="calls",
            of=calls,
            why=f"{int(moved.sum())} groups moved together",
        )

    def _drops(self, view: View, nats: Floats, expected: Floats) -> Iterator[Signal]:
        calls = self._ring.sums[list(_TESTED), _CALLS]
        low = np.where((calls <= 0.5 * expected) & (expected >= _BUSY), -nats, 0.0)
        for group in np.flatnonzero(low.max(axis=0) >= FIRE).tolist():
            strongest = np.argsort(-low[:, group]).tolist()
            places = (place for place in strongest if low[place, group] >= FIRE)
            place = next((one for one in places if self._is_fall(view, (one, group), expected)), None)
            if place is not None:
                yield self._signal("traffic_drop", (place, group), float(low[place, group]), expected)

    def _is_fall(self, view: View, at: tuple[int, int], expected: Floats) -> bool:
        """Too few calls even were there no job in the window, which may come later, and more than two days had."""
        (place, group), minutes = at, WINDOWS[_TESTED[at[0]]]
        calls, dispersion = self._ring.sums[_TESTED[place], _CALLS, group], self._dispersion(group)[place]
        before, usual = self._before(at), self._usual_before(view, at, expected)
        if (alike(calls, before, dispersion) & (before <= 0.65 * usual)).sum() >= 2:  # noqa: PLR2004
            return False
        calm = self._calm(view, at, expected)
        if calm == expected[at]:
            return True
        fell = calls <= 0.5 * calm and calm >= _BUSY and -count_shift(calls, calm, dispersion) >= FIRE
        if not fell:
            self._jobs.wait_for(view.now, group, minutes)
        return bool(fell)

    def _calm(self, view: View, at: tuple[int, int], expected: Floats) -> Floats:
        """What was expected without the jobs in the window. One that came early makes the level high."""
        (_, group), minutes = at, WINDOWS[_TESTED[at[0]]]
        usual = max(self._ring.sums[_TESTED[at[0]], _SEASON, group], 1e-9)
        calm = self._jobs.calm(view.now, group, minutes)
        if calm > (1 - _JOBLESS) * usual:
            return np.asarray(expected[at])
        calm_now: Floats = np.minimum(min(expected[at] / usual, self._season.level[0, group]) * calm, expected[at])
        return calm_now

    def _moved(self, view: View, at: tuple[int, int], expected: Floats) -> Floats:
        """What was expected if a job has moved. One that did not come makes the level low."""
        (_, group), minutes = at, WINDOWS[_TESTED[at[0]]]
        usual = max(self._ring.sums[_TESTED[at[0]], _SEASON, group], 1e-9)
        moved = self._jobs.moved(view.now, group, minutes)
        if moved < (1 + _JOBLESS) * usual:
            return np.asarray(expected[at])
        moved_now: Floats = np.maximum(max(expected[at] / usual, self._season.level[0, group]) * moved, expected[at])
        return moved_now

    def _level(self, at: tuple[int, int], expected: Floats) -> float:
        """Of the last hours: calls expected against the season's."""
        return float(expected[at] / max(self._ring.sums[_TESTED[at[0]], _SEASON, at[1]], 1e-9))

    def _missed_jobs(self, view: View, free: Floats) -> Iterator[Signal]:
        for job in self._jobs.missed(view.now, free, self._dispersion()[-1]):
            yield Signal(
                family="volume",
                kind="traffic_drop",
                scope=Scope("group", job.group),
                minutes=job.minutes,
                nats=job.nats,
                seen=job.calls,
                expected=job.expected,
                unit="calls",
                of=job.calls,
                why="a job came neither at its usual time nor in the two hours before and after it",
            )

    def _surges(self, view: View, likely: Floats, sure: Floats, expected: Floats) -> Iterator[Signal]:
        """One caller far beyond the usual is told even where the group's calls are what they were last week."""
        calls = self._ring.sums[list(_TESTED), _CALLS]
        high = (calls >= 1.35 * expected) & (calls - expected >= 10)  # noqa: PLR2004
        strength = np.where(high, likely, 0.0)
        surge = np.where(high & (calls >= _SURGE * expected), sure, 0.0)
        for group in np.flatnonzero(strength.max(axis=0) >= _SUSPICIOUS).tolist():
            place = int(strength[:, group].argmax())
            driver = self._driver(view, group, place, float(expected[place, group]))
            if driver and (nats := float(strength[place, group]) + driver[1]) >= _RUNAWAY:
                who = {driver[0].dimension: driver[0].value}
                yield self._signal("cost_runaway", (place, group), nats, expected, **who)
            elif any(self._is_new(view, (int(at), group), expected) for at in np.flatnonzero(surge[:, group] >= FIRE)):
                place = int(surge[:, group].argmax())
                yield self._signal("traffic_surge", (place, group), float(surge[place, group]), expected)

    def _is_new(self, view: View, at: tuple[int, int], expected: Floats) -> bool:
        """Too many calls in more than one bucket, and neither a job that has moved nor what came on two days."""
        place, group = at
        rows = self._ring.last(WINDOWS[_TESTED[place]], group)
        calls, dispersion = rows[:, _CALLS].sum(), self._dispersion(group)[place]
        if not lasts(rows[:, _CALLS], self._level(at, expected) * rows[:, _SEASON], dispersion):
            return False
        before = self._before(at)
        came = alike(calls, before, dispersion) & (before >= 1.35 * expected[at])
        moved = self._moved(view, at, expected)
        is_job = calls < _SURGE * moved or bool(alike(calls, moved, dispersion))
        return not is_job and came.sum() < 2  # noqa: PLR2004 - one day may have been an incident

    def _before(self, at: tuple[int, int]) -> Floats:
        """Calls at the same time one, two and seven days ago."""
        place, group = at
        return self._days.same_time(np.array([group]), WINDOWS[_TESTED[place]])[:, 0]

    def _usual_before(self, view: View, at: tuple[int, int], expected: Floats) -> Floats:
        """What was usual then, at the level of now."""
        place, group = at
        ends = [view.now - timedelta(days=days) for days in BACK]
        usual = np.array([self._jobs.usual(end, group, WINDOWS[_TESTED[place]]).sum() for end in ends])
        return np.asarray(self._level(at, expected) * usual)

    def _driver(self, view: View, group: int, place: int, expected: float) -> tuple[Driver, float] | None:
        """Who makes at least half of what is too much, and how unlikely that is at their usual pace."""
        minutes = WINDOWS[_TESTED[place]]
        since = view.now - _half(2 * minutes)
        excess = float(self._ring.sums[_TESTED[place], _CALLS, group]) - expected
        for driver in view.drivers(group, since, view.now):
            usual = driver.usual_share * expected
            if driver.calls - usual >= 0.5 * excess and driver.calls >= 3 * usual + 5:
                nats = count_shift(np.array(driver.calls), np.array(usual + 1.0), np.array(0.5))
                return driver, float(nats)
        return None

    def _signal(self, kind: str, at: tuple[int, int], nats: float, expected: Floats, **who: str) -> Signal:
        place, group = at
        calls = float(self._ring.sums[_TESTED[place], _CALLS, group])
        return Signal(
            family="volume",
            kind=kind,
            scope=Scope("group", group),
            minutes=WINDOWS[_TESTED[place]],
            nats=nats,
            seen=calls,
            expected=float(expected[place, group]),
            unit="calls",
            of=calls,
            dimension=who,
        )


def _half(minutes: int) -> timedelta:
    return timedelta(minutes=minutes / 2)


def _lingers(scope: Scope, nats: Floats, ratio: Floats, fleet: float) -> bool:
    """Half an hour decides, for the whole fleet one: longer windows would remember the incident."""
    if scope.level == "fleet":
        return abs(fleet) > _FLEET_AWAY
    away = np.abs(nats[:3, scope.place]) >= 3.0  # noqa: PLR2004
    far = (ratio[:3, scope.place] > 1.3) | (ratio[:3, scope.place] < 0.6)  # noqa: PLR2004
    return bool((away & far).any())


def _shared(nats: Floats) -> Floats:
    """Evidence of all groups together, of which one alone is not enough."""
    shared: Floats = np.minimum(np.abs(nats), FIRE).sum(axis=-1)
    return shared
