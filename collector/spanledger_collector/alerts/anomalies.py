"""The anomaly engine as a rule: it learns the stored past when it starts, then judges every five minutes."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.anomaly.engine import Engine
from spanledger_collector.alerts.anomaly.facts import Places
from spanledger_collector.alerts.anomaly.wording import RULES, labels, since_deploy, summary
from spanledger_collector.alerts.series import described
from spanledger_collector.alerts.stored_calls import STEP, StoredCalls
from spanledger_collector.alerts.verdict import Judgement, Timing, Verdict
from spanledger_collector.giving_way import never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanledger_collector.alerts.anomaly.incidents import Incident
    from spanledger_collector.alerts.snapshot import Snapshot
    from spanledger_collector.alerts.stored_calls import RunQuery

LEARNED: Final = timedelta(days=35)
GRACE: Final = timedelta(seconds=20)  # spans come in batches, a little after their calls ended
_PATIENCE_S: Final = 8.0  # of one tick: a collector that is told to stop waits for no more
_TURN: Final = timedelta(hours=6)
_KEEP_EVERY: Final = timedelta(hours=1)
_BEHIND: Final = timedelta(hours=1)  # so far the engine is still learning the past


class Anomalies:
    """Every built-in kind. State comes from the ledger; where no ``snapshot`` has it, a start learns it again, and so
    does history that is loaded later. Between two steps of the past it calls ``give_way``, which may wait: the present
    waits for nobody.
    """

    timing = Timing()

    def __init__(
        self,
        run_query: RunQuery,
        patience_s: float = _PATIENCE_S,
        snapshot: Snapshot | None = None,
        give_way: Callable[[], None] = never,
    ) -> None:
        self._patience_s, self._snapshot, self._give_way = patience_s, snapshot, give_way
        self._calls = StoredCalls(run_query)
        self._until: datetime | None = None  # end of the last bucket judged
        self._kept: datetime | None = None
        self._accepted: list[Incident] = []  # since they were last told of
        self._stepping = threading.Lock()
        if snapshot and (kept := snapshot.read()) and kept.now:
            self._calls.places, self._engine, self._until = kept.places, kept.resumed(self._calls.drivers), kept.now
            self._kept = kept.now
        else:
            self._begin_anew()

    def _begin_anew(self) -> None:
        with self._stepping:
            self._calls.places = Places()
            self._engine = Engine(self._calls.places, STEP // timedelta(minutes=1), self._calls.drivers)
            self._until = self._kept = None
            self._accepted = []

    def owns(self, rule: str) -> bool:
        return rule in RULES

    def judge(self, now: datetime) -> Sequence[Verdict] | None:
        """None until the past is learned. Raises what the store raises; then the same time is asked for again."""
        target = _whole(now - GRACE)
        started = time.monotonic()
        if self._until and self._engine.read.is_behind(self._calls.count, self._until):
            self._begin_anew()
        while (start := self._until or self._beginning(now)) and start < target:
            if time.monotonic() - started > self._patience_s:
                return None
            self._advance(start, min(start + _TURN, target))
        self._keep()
        accepted, self._accepted = self._accepted, []
        judged: list[tuple[Incident, Judgement]] = [(one, "normal") for one in accepted]
        judged += [(one, "failing") for one in self._engine.incidents.active.values()]
        return [self._verdict(incident, judgement) for incident, judgement in judged]

    def series(self, service: str, feature: str, start: datetime, end: datetime) -> dict[str, Any]:
        """See ``series.described``; from any thread. Raises LookupError for a group without calls."""
        with self._stepping:
            found = described(self._engine, (service, feature), start, end)
        behind = self._until is None or datetime.now(timezone.utc) - self._until > _BEHIND
        return found | {"judged_until": self._until, "learning": behind}

    def _advance(self, start: datetime, end: datetime) -> None:
        learning = end - start == _TURN
        for bucket in list(self._calls.between(start, end)):
            if learning:
                self._give_way()
            self._until = bucket.end  # first: a bucket whose judgement broke off must not be pushed twice
            with self._stepping:
                ended = self._engine.step(bucket).ended
            self._accepted += [incident for incident in ended if incident.accepted]

    def _keep(self) -> None:
        """Once an hour, and when the past is learned."""
        if self._snapshot and self._until and (not self._kept or self._until - self._kept >= _KEEP_EVERY):
            self._snapshot.write(self._engine)
            self._kept = self._until

    def _beginning(self, now: datetime) -> datetime | None:
        first, earliest = self._calls.first_call(), _whole(now - LEARNED)
        self._engine.read.begin(earliest)
        return max(first, earliest) if first else None

    def _verdict(self, incident: Incident, judgement: Judgement) -> Verdict:
        signal = incident.latest
        end = "usual from now on, for it has lasted: " if incident.accepted else ""
        return Verdict(
            rule=incident.signal.kind,
            kind=incident.signal.kind,
            labels=tuple(sorted((k, v) for k, v in labels(incident.signal, self._calls.places).items() if v)),
            judgement=judgement,
            calls=round(signal.of),
            seen=signal.seen,
            expected=signal.expected,
            unit=signal.unit,
            window_minutes=signal.minutes,
            summary=end + summary(signal) + since_deploy(incident.deploy),
            basis=RULES[incident.signal.kind],
            since=incident.since,
        )


def _whole(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)
