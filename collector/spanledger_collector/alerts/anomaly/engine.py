"""The anomaly engine: buckets of facts in, incidents out. The same code judges now and replays the past."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spanledger_collector.alerts.anomaly.cache import Cache
from spanledger_collector.alerts.anomaly.creep import Creep
from spanledger_collector.alerts.anomaly.deploys import LASTS, Change, Deploy, Deploys
from spanledger_collector.alerts.anomaly.facts import MEASURES, Bucket, Places
from spanledger_collector.alerts.anomaly.failures import Failures
from spanledger_collector.alerts.anomaly.incidents import BY_DEPLOY, Incident, Incidents, cells_of
from spanledger_collector.alerts.anomaly.latency import Latency
from spanledger_collector.alerts.anomaly.price import Price
from spanledger_collector.alerts.anomaly.read import Read
from spanledger_collector.alerts.anomaly.ring import Ring, widened
from spanledger_collector.alerts.anomaly.signal import Driver, Levelled, Scope, View, Watch
from spanledger_collector.alerts.anomaly.trail import Trail
from spanledger_collector.alerts.anomaly.unpriced import Unpriced
from spanledger_collector.alerts.anomaly.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    AskDrivers = Callable[[int, datetime, datetime], Sequence[Driver]]

_LAG: Final = timedelta(hours=4)  # an hour is learned from when this long ago it began: late incidents hide it too


def watches(step_minutes: int) -> tuple[Watch, ...]:
    """In the order of explanation: what an earlier one found is not told again by a later one."""
    return (
        Failures(),
        Volume(step_minutes),
        Price(),
        Unpriced(),
        Cache(),
        Latency("latency_regression", "times as long as usual", first_chunk=False),
        Latency("first_chunk_regression", "times as long to the first chunk as usual", first_chunk=True),
        Creep("prompt_creep", "input tokens a call", ("sized", "log_in", "log_in2"), growth=1.08),
        Creep("answer_growth", "output tokens a call", ("timed", "log_out", "log_out2"), growth=1.3),
    )


@dataclass(frozen=True, slots=True)
class Changes:
    began: list[Incident]
    ended: list[Incident]


def nobody(_group: int, _since: datetime, _until: datetime) -> Sequence[Driver]:
    """For histories that do not know who called."""
    return ()


class Engine:
    """``step`` it through time, bucket after bucket without a gap. Not thread-safe."""

    def __init__(self, places: Places, step_minutes: int = 5, drivers: AskDrivers = nobody) -> None:
        self.places = places
        self.incidents = Incidents()
        self.trail = Trail()
        self.deploys = Deploys()
        self.read = Read()
        self._step_minutes = step_minutes
        self._drivers = drivers
        self._cells = Ring(MEASURES, step_minutes)
        self._watches = watches(step_minutes)
        (self._price,) = (watch for watch in self._watches if isinstance(watch, Price))
        self._known = 0
        self.now: datetime | None = None  # end of the last bucket judged
        self._group_of: NDArray[np.int64] = np.zeros(0, np.int64)
        self._providers: dict[str, NDArray[np.int64]] = {}

    def step(self, bucket: Bucket) -> Changes:
        """Judge the moment at which the bucket ends."""
        step = timedelta(minutes=self._step_minutes)
        self.read.add(bucket, step)
        self._widen()
        if not self._known:
            return Changes([], [])
        self._cells.push(widened(bucket.values, self._known))
        self.now = bucket.end
        view = self.view(bucket.end)
        for cell, taken in self.deploys.push(bucket, step):
            self._return(cell, view, self.deploys.undo(cell) if taken else {})
        began: list[Incident] = []
        for watch in self._watches:
            view.usable, view.fleet = self.incidents.usable(view.now), self.incidents.fleet(view.now)
            began += self.incidents.update(watch.family, watch.judge(view), view)
        if view.now.minute == 0:
            self._tie()
            self._change(view)
        ended = list(self.incidents.settle(view))
        for incident in ended:
            if incident.accepted:
                self._accept(incident, view)
        self.trail.told += began
        if view.now.minute == 0:
            self._record(view)
        if view.now.minute == 0 and self._cells.pushed * self._step_minutes >= _LAG.total_seconds() / 60:
            self._learn(view)
        return Changes(began, ended)

    def view(self, now: datetime) -> View:
        return View(
            now=now,
            step_minutes=self._step_minutes,
            places=self.places,
            group_of=self._group_of,
            providers=self._providers,
            cells=self._cells,
            usable=self.incidents.usable(now),
            fleet=self.incidents.fleet(now),
            drivers=self._drivers,
        )

    def cell_is_of(self, cell: int, group: int) -> bool:
        return bool(self._group_of[cell] == group)

    def __getstate__(self) -> dict[str, Any]:
        """Everything learned, without who is asked for drivers."""
        return self.__dict__ | {"_drivers": nobody}

    def resumed(self, drivers: AskDrivers) -> Engine:
        """The same, after it was unpickled."""
        self._drivers = drivers
        return self

    def _record(self, view: View) -> None:
        bands = [band for watch in self._watches for band in watch.bands(view)]
        clean = np.ones(len(self.places.groups))
        for incident in self.incidents.active.values():
            clean[self._group_of[cells_of(incident.signal.scope, view)]] = 0.0
        self.trail.record(view.now, bands, self._price.parts(view), clean)

    def _accept(self, incident: Incident, view: View) -> None:
        for watch in self._watches:
            if watch.family == incident.signal.family:
                if isinstance(watch, Levelled) and incident.deploy:
                    self._note(watch, {incident.signal.scope.place: incident.deploy}, view)
                watch.settle(incident.signal.scope, view)
                for cell in cells_of(incident.signal.scope, view).tolist() if isinstance(watch, Levelled) else ():
                    self.incidents.anew(watch.family, cell, view)

    def _tie(self) -> None:
        """Name the deploy that an incident may be due to: a version is seen to have taken over some buckets later."""
        for (family, scope), incident in self.incidents.active.items():
            if family in BY_DEPLOY and scope.level == "cell" and not incident.deploy:
                incident.deploy = self.deploys.cause(scope.place, incident.since, incident.detected)

    def _change(self, view: View) -> None:
        """What a deploy changed for good and no incident tells of: better, or by too little to be called wrong."""
        due = dict(self.deploys.due(view.now))
        for watch in self._watches if due else ():
            if isinstance(watch, Levelled):
                sound = view.usable[watch.family] >= LASTS.total_seconds() / 60
                for cell in self._note(watch, {cell: one for cell, one in due.items() if sound[cell]}, view):
                    watch.settle(Scope("cell", cell), view)
                    self.incidents.anew(watch.family, cell, view)

    def _note(self, watch: Levelled, deploys: dict[int, Deploy], view: View) -> list[int]:
        """Write down what has moved since those deploys; the cells where something has."""
        moved = watch.moved(view)
        cells = [cell for cell in deploys if moved.lasting[cell]]
        for cell in cells:
            numbers = (float(row[cell]) for row in (moved.before, moved.after, moved.by))
            self.deploys.record(Change(deploys[cell], view.now, cell, moved.series, moved.unit, *numbers))
        return cells

    def _return(self, cell: int, view: View, moved: dict[str, float]) -> None:
        """A version that was rolled back to has its own levels again, and nobody is told of the way there."""
        for watch in self._watches:
            if isinstance(watch, Levelled):
                if (series := watch.moved(view).series) in moved:
                    watch.move(cell, -moved[series])
                self.incidents.anew(watch.family, cell, view)

    def _learn(self, view: View) -> None:
        hour = view.now - _LAG
        buckets = self._cells.last(int(_LAG.total_seconds() // 60))[: 60 // self._step_minutes]
        for watch in self._watches:
            seen = self.incidents.seen(hour, hour + timedelta(hours=1), watch.family, view)
            watch.learn(hour, buckets, seen, view)

    def _widen(self) -> None:
        if self._known == len(self.places.cells):
            return
        self._known = len(self.places.cells)
        groups = len(self.places.groups)
        self._group_of = np.array(
            [self.places.groups[cell.service, cell.feature] for cell in self.places.cells], np.int64
        )
        by_provider = defaultdict(list)
        for cell, place in self.places.cells.items():
            by_provider[cell.provider].append(place)
        self._providers = {provider: np.array(cells) for provider, cells in by_provider.items()}
        self._cells.widen(self._known)
        self.incidents.widen(self._known)
        for watch in self._watches:
            watch.widen(self._known, groups)
