"""What one own rule would have told: its judgement and its life as they run live, on the ledger's five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spanledger_collector.alerts.state import Alert, advance
from spanledger_collector.alerts.stored_calls import STEP, window
from spanledger_collector.queries.durations import PER_E

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery

_BEFORE: Final = timedelta(days=32)  # the longest that a rule looks back: a month and a day
_DAY: Final = timedelta(days=1)
_P95: Final = 0.95


class Past:
    """Sums over any whole five minutes of a stretch of the ledger, narrowed to a rule's filters."""

    def __init__(self, run_query: RunQuery, own: Any, start: datetime, end: datetime) -> None:
        self._start, self._timed = start, getattr(own, "metric", "") == "p95_ms"
        filters = {name: [value] for name, value in own.filters.items()}
        size = (end - start) // STEP
        self._sums: NDArray[np.float64] = np.zeros((4, size + 1))
        self._steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = [_NO_STEPS] * size
        while start < end:
            until = min(start + _DAY, end)
            self._read(run_query, filters | window(start, until))
            start = until
        self._sums = self._sums.cumsum(axis=1)

    def _read(self, run_query: RunQuery, asked: dict[str, list[str]]) -> None:
        facts = run_query("rule_facts", asked).to_pydict()
        moments: list[datetime] = facts["bucket"]
        at = [self._place(moment) + 1 for moment in moments]
        for row, name in enumerate(("calls", "failures", "priced_calls", "known_cost_usd")):
            self._sums[row, at] = [float(value) for value in facts[name]]
        if self._timed:
            self._read_durations(run_query("durations", asked))

    def _read_durations(self, durations: pa.Table) -> None:
        moments: list[datetime] = durations.to_pydict()["bucket"]
        places = np.array([self._place(moment) for moment in moments], np.int64)
        steps, calls = (durations.column(name).to_numpy().astype(np.int64) for name in ("step", "calls"))
        for place in np.unique(places):
            mine = places == place
            self._steps[place] = steps[mine], calls[mine]

    def totals(self, since: datetime, until: datetime) -> Row:
        first, last = self._place(since), self._place(until)
        calls, failures, priced, cost = self._sums[:, last] - self._sums[:, first]
        known = round(float(cost), 12) if priced or not calls else None
        unpriced = int(calls - priced)
        return {"calls": int(calls), "failures": int(failures), "cost_usd": known, "unpriced_calls": unpriced}

    def latency(self, since: datetime, until: datetime) -> Row:
        """p95 in ms, to half a percent."""
        some = [one for one in self._steps[self._place(since) : self._place(until)] if len(one[0])]
        if not some:
            return {"p95_ms": None}
        steps, calls = (np.concatenate(part) for part in zip(*some, strict=True))
        order = np.argsort(steps)
        place = np.searchsorted(calls[order].cumsum(), _P95 * calls.sum())
        return {"p95_ms": float(np.exp((steps[order][place] + 0.5) / PER_E) / 1e6)}

    def _place(self, moment: datetime) -> int:
        return max((moment - self._start) // STEP, 0)


_NO_STEPS: Final = (np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class PastAsk:
    """As of a moment of the past."""

    past: Past
    now: datetime

    def row(self, query: str, since: datetime) -> Row:
        read = self.past.totals if query == "totals" else self.past.latency
        return read(since, self.now)


def replay(own: Any, run_query: RunQuery, start: datetime, end: datetime) -> Iterator[Alert]:
    """Every incident that would have fired between two whole five minutes, UTC; the last may still be on.

    ``own`` is of ``own_rules.KINDS``. It is judged every five minutes, live every half a minute.
    """
    past = Past(run_query, own, start - _BEFORE, end)
    alert: Alert | None = None
    while start < end:
        start += STEP
        verdict = own.judge(PastAsk(past, start), start)
        if verdict.judgement == "not_enough_data":
            continue
        alert = advance(alert, verdict, start, own.timing)
        if alert is not None and alert.state in ("resolved", "inactive"):
            yield from [alert] if alert.state == "resolved" else []
            alert = None
    if alert is not None and alert.state == "firing":
        yield alert
