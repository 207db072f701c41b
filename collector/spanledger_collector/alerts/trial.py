"""Back-tests of one rule on the ledger, for whoever is about to switch it on."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts import budget_burn, spend, users
from spanledger_collector.alerts.backtest import backtest, deploys
from spanledger_collector.alerts.replay import replay
from spanledger_collector.alerts.state import advance
from spanledger_collector.alerts.stored_calls import STEP, StoredCalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spanledger_collector.alerts.anomaly.facts import Bucket
    from spanledger_collector.alerts.state import Alert
    from spanledger_collector.alerts.stored_calls import RunQuery
    from spanledger_collector.alerts.verdict import Labels, Timing, Verdict

    Moment = tuple[datetime, list[Verdict]]  # when a rule was judged, and what it said

Json = dict[str, Any]
LEARNED: Final = timedelta(days=21)  # before the days asked for, so that the first of them is judged by a past
_SHOWN: Final = 200
_USERS: Final = timedelta(minutes=30)  # users are judged so often here: each time the ledger is asked


class OwnHistory(StoredCalls):
    """The ledger this process has, of the days asked for and of three weeks before."""

    def __init__(self, run_query: RunQuery, start: datetime, end: datetime) -> None:
        super().__init__(run_query)
        self._start, self._end = start, end

    def buckets(self) -> Iterator[Bucket]:
        if first := self.first_call():
            yield from self.between(max(first, self._start - LEARNED), self._end)


class Trial:
    """One at a time: a back-test of a large ledger is minutes of computing."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._running = threading.Lock()

    def built_in(self, kind: str, days: int, now: datetime) -> Json:
        """Of the rule of that name."""
        start, end = _span(days, now)
        with self._running:
            if kind == spend.KIND:
                fired = list(_lives(self._surges(start, end), spend.Spend.timing))
            elif kind in users.RULES:
                fired = list(_lives(self._of_users(kind, start, end), users.Users.timing))
            elif kind in budget_burn.RULES:
                held = list(budget_burn.budgets(self._run_query, kind, now))
                fired = [_fired(alert) for own in held for alert in replay(own, self._run_query, start, end)]
            else:
                fired = list(self._anomalies(kind, start, end))
        return _answer(kind, start, end, days, fired)

    def _anomalies(self, kind: str, start: datetime, end: datetime) -> Iterator[Json]:
        """All anomaly rules are judged: one that explains another silences it."""
        known = deploys(self._run_query, start, end)
        for one in backtest(OwnHistory(self._run_query, start, end), STEP // timedelta(minutes=1), known):
            fired = _aware(one["detected_at"], end)
            if one["kind"] == kind and fired >= start:
                yield {
                    "since": _aware(one["start"], end),
                    "fired_at": fired,
                    "resolved_at": _aware(one["resolved_at"], end) if one["resolved_at"] else None,
                    **{name: one[name] for name in ("labels", "seen", "expected", "unit", "summary", "preceded_by")},
                }

    def _surges(self, start: datetime, end: datetime) -> Iterator[Moment]:
        end, hour = end.replace(minute=0), timedelta(hours=1)
        hours = [spend.Hours.read(self._run_query, name, start - spend.PAST, end) for name in spend.DIMENSIONS]
        for moment in (start + (count + 1) * hour for count in range((end - start) // hour)):
            yield moment, [spend.verdict(one) for part in hours for one in part.surges(moment)]

    def _of_users(self, kind: str, start: datetime, end: datetime) -> Iterator[Moment]:
        rule = users.Users(self._run_query)
        for moment in (start + (count + 1) * _USERS for count in range((end - start) // _USERS)):
            yield moment, [one for one in rule.at(moment) if one.rule == kind]

    def own(self, own: Any, days: int, now: datetime) -> Json:
        """``own`` is of ``own_rules.KINDS``."""
        start, end = _span(days, now)
        with self._running:
            fired = [_fired(alert) for alert in replay(own, self._run_query, start, end)]
        return _answer(own.name, start, end, days, fired)


def _lives(moments: Iterable[Moment], timing: Timing) -> Iterator[Json]:
    """Every incident of a rule that was judged at those moments; the last ones may still be on."""
    on: dict[Labels, Alert | None] = {}
    for moment, verdicts in moments:
        found = {one.labels: one for one in verdicts}
        for labels in sorted(on.keys() | found.keys()):
            alert = on[labels] = advance(on.get(labels), found.get(labels), moment, timing)
            if alert is not None and alert.state == "resolved":
                yield _fired(alert)
                on[labels] = None
    yield from (_fired(alert) for alert in on.values() if alert is not None)


def _span(days: int, now: datetime) -> tuple[datetime, datetime]:
    end = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    return (end - timedelta(days=days)).replace(minute=0), end


def _fired(alert: Alert) -> Json:
    told = {name: getattr(alert, name) for name in ("since", "fired_at", "resolved_at", "seen", "expected", "unit")}
    return told | {"labels": dict(alert.labels), "summary": alert.summary}


def _answer(rule: str, start: datetime, end: datetime, days: int, fired: list[Json]) -> Json:
    """``fired`` are the newest, oldest of them first; ``count`` is of all."""
    times = "would not have fired" if not fired else f"would have fired {_times(len(fired))}"
    sentence = f"{rule} {times} in {days} {'day' if days == 1 else 'days'}"
    return {"rule": rule, "from": start, "to": end, "count": len(fired), "sentence": sentence, "fired": fired[-_SHOWN:]}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _aware(text: str, like: datetime) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=like.tzinfo)
