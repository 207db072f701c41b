"""The ledger as buckets of facts, for the engine: the past a day at a time, the present as it becomes complete."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spanledger_collector.alerts.anomaly.facts import AT, MEASURES, SUMS, Bucket, Cell, ErrorType, Places
from spanledger_collector.alerts.anomaly.signal import Driver
from spanledger_collector.rows import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from spanledger_collector.alerts.anomaly.evidence import Floats

    RunQuery = Callable[[str, Mapping[str, Sequence[str]]], pa.Table]

STEP: Final = timedelta(minutes=5)
_PLACE: Final = ("service", "feature", "provider", "model")
_FEW_HOURS: Final = timedelta(hours=6)  # five hundred cells' facts of so long are fewer rows than a query may answer


class StoredCalls:
    """Asks the named queries ``anomaly_facts``, ``anomaly_errors`` and ``drivers``."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self.places = Places()

    def between(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        """Every five minutes from ``start`` to ``end``, both whole ones, empty buckets too."""
        while start < end:
            until = min(start + _FEW_HOURS, end)
            yield from self._few_hours(start, until)
            start = until

    def first_call(self) -> datetime | None:
        """When the ledger begins, as a whole day; None while it is empty."""
        seen: list[datetime] = [row["first_seen"] for row in records(self._run_query("beginning", {}))]
        if not seen:
            return None
        return min(seen).astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)

    def count(self, start: datetime, end: datetime) -> int:
        """Calls of a time."""
        return int(self._run_query("totals", window(start, end)).column("calls")[0].as_py())

    def drivers(self, group: int, since: datetime, until: datetime) -> Sequence[Driver]:
        service, feature = list(self.places.groups)[group]
        asked = {"service": [service], "feature": [feature]} | window(since, until)
        return [
            Driver(row["dimension"], row["value"], row["calls"], row["usual_share"], float(row["cost_usd"]))
            for row in self._run_query("drivers", asked).to_pylist()
        ]

    def _few_hours(self, start: datetime, end: datetime) -> Iterator[Bucket]:
        facts = self._run_query("anomaly_facts", window(start, end)).to_pydict()
        errors = self._run_query("anomaly_errors", window(start, end)).to_pydict()
        cells, failed = self._cells(facts), self._cells(errors)
        values: Floats = np.zeros(((end - start) // STEP, MEASURES, len(self.places.cells)))
        at = _buckets(facts["bucket"], start)
        for name in SUMS:
            values[at, AT[name], cells] = facts[name]
        kinds = [
            self.places.error(ErrorType(name or "unknown", status))
            for name, status in zip(errors["error_type"], errors["http_status"], strict=True)
        ]
        np.add.at(values, (_buckets(errors["bucket"], start), kinds, failed), np.array(errors["calls"], float))
        versions = [[""] * len(self.places.cells) for _ in values]
        for bucket, cell, version in zip(at, cells, facts["version"], strict=True):
            versions[bucket][cell] = version
        for number, bucket in enumerate(values):
            yield Bucket(start + (number + 1) * STEP, bucket, versions[number])

    def _cells(self, rows: Mapping[str, list[Any]]) -> list[int]:
        return [self.places.cell(Cell(*place)) for place in zip(*(rows[name] for name in _PLACE), strict=True)]


def _buckets(moments: Sequence[datetime], start: datetime) -> list[int]:
    return [(moment - start) // STEP for moment in moments]


def window(start: datetime, end: datetime) -> dict[str, list[str]]:
    return {"from": [start.astimezone(timezone.utc).isoformat()], "to": [end.astimezone(timezone.utc).isoformat()]}
