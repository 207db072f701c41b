"""One incident from first sign to the end of it, however many watches and moments see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.deploys import LASTS
from spanledger_collector.alerts.anomaly.ring import widened
from spanledger_collector.alerts.anomaly.signal import FAMILIES, Family, Fleet, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.deploys import Deploy
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import Found, View

# How long a place must be well again, and after how long what is wrong is accepted as the new normal.
QUIET: Final[Mapping[Family, timedelta]] = {
    "failures": timedelta(minutes=15),
    "volume": timedelta(minutes=30),
    "price": timedelta(hours=3),
    "cache": timedelta(hours=1),
    "latency": timedelta(minutes=30),
    "tokens": timedelta(hours=12),
    "unpriced": timedelta(hours=2),
}
ACCEPTED: Final[Mapping[Family, timedelta]] = {
    "failures": timedelta.max,
    "volume": timedelta(hours=12),
    "price": timedelta(hours=24),
    "cache": timedelta(days=7),
    "latency": timedelta(days=2),
    "tokens": timedelta(days=10),
    "unpriced": timedelta(days=7),
}
# Whose incidents spoil a family's numbers: an outage slows and thins traffic, and is one incident, not three.
SPOILS: Final[Mapping[Family, tuple[Family, ...]]] = {
    "failures": ("failures",),
    "volume": ("failures", "volume"),
    "price": ("price",),
    "cache": ("failures", "volume", "price", "cache"),
    "latency": ("failures", "volume", "price", "latency"),
    "tokens": ("failures", "volume", "price", "tokens"),
    "unpriced": ("unpriced",),
}
BY_DEPLOY: Final[tuple[Family, ...]] = ("cache", "latency", "tokens")
"""What a deploy changes on purpose or for good: told once, and usual after some hours."""
_UP: Final = ("traffic_surge", "cost_runaway")
_FLEET_ACCEPTED: Final = timedelta(days=4)  # a long holiday is no new normal
_LONG_AGO: Final = -1e9


@dataclass(slots=True)
class Incident:
    """``signal`` is the first one, ``latest`` the last; ``until`` is None while it lasts."""

    signal: Signal
    latest: Signal
    since: datetime
    detected: datetime
    last_ill: datetime
    until: datetime | None = None
    accepted: bool = False  # ended because it lasted so long that it is normal now
    deploy: Deploy | None = None  # that it may be due to
    cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Incidents:
    def __init__(self) -> None:
        self.active: dict[tuple[Family, Scope], Incident] = {}
        self.ended: list[Incident] = []
        self._spoiled: Floats = np.full((len(FAMILIES), 0), _LONG_AGO)  # minute until which, by family and cell
        self._anew: Floats = np.full((len(FAMILIES), 0), _LONG_AGO)  # minute since which the level is what it is
        self._fleet = _LONG_AGO  # minute until which all traffic was unusual: only volumes suffer from that
        self._fell = False  # whether it was too little

    def widen(self, cells: int) -> None:
        self._spoiled, self._anew = widened(self._spoiled, cells, _LONG_AGO), widened(self._anew, cells, _LONG_AGO)

    def usable(self, now: datetime) -> dict[Family, Floats]:
        """Minutes, by cell, since the last incident that spoils a family's numbers ended; 0 during one."""
        minute = now.timestamp() / 60
        rows = {family: self._spoiled[place] for place, family in enumerate(FAMILIES)}
        return {
            family: np.maximum(minute - np.max([rows[other] for other in SPOILS[family]], axis=0), 0.0)
            for family in FAMILIES
        }

    def fleet(self, now: datetime) -> Fleet:
        return Fleet(max(now.timestamp() / 60 - self._fleet, 0.0), self._fell)

    def update(self, family: Family, found: Found, view: View) -> Iterator[Incident]:
        """Those that began, by the signals of one watch; scopes already covered by an incident stay one incident."""
        for signal in found.signals:
            if same := self.active.get((family, signal.scope)):
                same.latest, same.last_ill = signal, view.now
            elif not self._covered(signal, view):
                yield self._begin(signal, view)
        for incident in self.active.values():
            if incident.signal.family == family and found.lingers(incident.signal.scope):
                incident.last_ill = view.now

    def settle(self, view: View) -> Iterator[Incident]:
        """Those that ended, and the marks of those that go on."""
        for key, incident in list(self.active.items()):
            incident.accepted = view.now - incident.detected >= _longest(incident)
            if incident.accepted or view.now - incident.last_ill >= _quiet(incident):
                incident.until = view.now if incident.accepted else incident.last_ill
                del self.active[key]
                self.ended.append(incident)
                yield incident
            until = incident.until or view.now + timedelta(minutes=view.step_minutes)  # still so at the next moment
            self._mark(incident.signal, until, view)
        self.ended = [one for one in self.ended if view.now - (one.until or view.now) < timedelta(days=1)]

    def seen(self, start: datetime, end: datetime, family: Family, view: View) -> Floats:
        """By cell, 0 where an incident that spoils the family touched that time, or its level was another."""
        mask: Floats = np.where(self._anew[FAMILIES.index(family)] <= start.timestamp() / 60, 1.0, 0.0)
        for incident in [*self.active.values(), *self.ended]:
            spoils = incident.signal.family in SPOILS[family] or incident.signal.family == family
            spoils &= incident.signal.scope.level != "fleet" or family == "volume"
            if spoils and incident.since < end and (incident.until or view.now) > start:
                mask[cells_of(incident.signal.scope, view)] = 0.0
        return mask

    def anew(self, family: Family, cell: int, view: View) -> None:
        """The family's windows and lessons of that cell begin now: what was before is of another level."""
        row = FAMILIES.index(family)
        self._spoiled[row, cell] = self._anew[row, cell] = view.now.timestamp() / 60

    def _begin(self, signal: Signal, view: View) -> Incident:
        since = view.now - timedelta(minutes=signal.minutes)
        incident = Incident(signal, signal, since, view.now, view.now)
        self.active[signal.family, signal.scope] = incident
        self._mark(signal, view.now, view)
        return incident

    def _mark(self, signal: Signal, until: datetime, view: View) -> None:
        """Set at once: a watch that is asked later in the same moment is silent about the same place."""
        minute = until.timestamp() / 60
        if signal.scope.level == "fleet":
            self._fleet, self._fell = minute, signal.kind not in _UP
        else:
            self._spoiled[FAMILIES.index(signal.family), cells_of(signal.scope, view)] = minute

    def _covered(self, signal: Signal, view: View) -> bool:
        mine = cells_of(signal.scope, view)
        others: Iterable[Incident] = (one for one in self.active.values() if one.signal.family == signal.family)
        return any(
            np.isin(mine, cells_of(one.signal.scope, view)).all() and not _is_opposite(one.signal, signal)
            for one in others
        )


def _is_opposite(wide: Signal, signal: Signal) -> bool:
    """A holiday does not explain that one place is called far too often."""
    return wide.scope.level == "fleet" and (wide.kind in _UP) != (signal.kind in _UP)


def _longest(incident: Incident) -> timedelta:
    family, deploy = incident.signal.family, incident.deploy
    if incident.signal.scope.level == "fleet":
        return _FLEET_ACCEPTED
    return min(ACCEPTED[family], LASTS) if deploy and family in BY_DEPLOY else ACCEPTED[family]


def _quiet(incident: Incident) -> timedelta:
    """What took an hour to be seen can be absent for some minutes and still be there."""
    return max(QUIET[incident.signal.family], timedelta(minutes=min(incident.signal.minutes, 60)))


def cells_of(scope: Scope, view: View) -> NDArray[np.int64]:
    if scope.level == "cell":
        return np.array([scope.place])
    if scope.level == "group":
        return np.flatnonzero(view.group_of == scope.place)
    if scope.level == "provider":
        return view.providers[scope.provider]
    return np.arange(len(view.places.cells))


def concerns(scope: Scope, group: int, view: View) -> bool:
    """Whether some of the group's cells are in the scope."""
    return bool((view.group_of[cells_of(scope, view)] == group).any())
