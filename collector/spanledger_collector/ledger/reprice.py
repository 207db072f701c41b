"""Pricing past days again: a difference first, then, when told, the calls, their rollups and a record of it.

Of a day, in this order: what moves is written down, and the restatement as started; the calls' costs are changed by one
mutation; the rollups get what they now lack; the restatement is marked as applied. Interrupted anywhere, the same day
priced again finishes the work, because a day that needs no change changes nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from spanledger_collector.ledger import restated, rollups, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spanledger_collector.ledger.stored import RunQuery, StoredCall
    from spanledger_collector.model import Call, Cost

_DAY: Final = timedelta(days=1)
# Two tables that live as long as one mutation: what is new, and the same in memory on every server that mutates.
_CHANGES: Final = "repricing_changes"
_IN_MEMORY: Final = "repricing"
_MONEY: Final = pa.decimal128(38, 18)
_FIGURES: Final = ("input", "cache_read", "cache_write", "output", "other")
_SQL_TYPES: Final = {
    "cost": "Nullable(Decimal(38, 18))",
    "cost_low": "Nullable(Decimal(38, 18))",
    "cost_high": "Nullable(Decimal(38, 18))",
    **{f"cost_{part}": "Decimal(38, 18)" for part in _FIGURES},
    "cost_grade": "String",
    "cost_reason": "String",
    "price": "String",
}
MOST_AT_ONCE: Final = 500_000  # changed calls of one mutation: its table is held in memory


class Closed(ValueError):
    """A month that is over does not move silently; the text says how it may."""


class Gone(ValueError):
    """Calls of that day are no longer kept, so their rollup cannot be told anew."""


class Tables(rollups.Tables, Protocol):
    def insert(self, table: str, rows: pa.Table, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Moved:
    """Calls of one model whose cost moved from one price line and grade to another. US dollars."""

    names: tuple[str, ...]  # model, price before and after, grade before and after
    calls: int
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """What pricing one day again changes; unknown costs count as calls, never as $0 that became something."""

    day: datetime
    calls: int
    changed_calls: int
    before: Decimal  # sum of the known costs as they stand
    after: Decimal
    priced_before: int
    priced_after: int
    moved: tuple[Moved, ...] = ()
    applied: bool = False


@dataclass(slots=True)
class _Day:
    """A day's calls, summed while they are read."""

    changes: list[tuple[Call, Cost]] = field(default_factory=list)
    moved: dict[tuple[str, ...], tuple[int, Decimal, Decimal]] = field(default_factory=dict)
    parts: restated.Parts = field(default_factory=restated.Parts)
    calls: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    priced_before: int = 0
    priced_after: int = 0

    def add(self, at: StoredCall, new: Cost) -> None:
        old = at.cost
        self.calls += 1
        self.before += old.total or 0
        self.after += new.total or 0
        self.priced_before += old.total is not None
        self.priced_after += new.total is not None
        if _differs(old, new):
            self.changes.append((at.call, new))
            self.parts.add(at, new)
            names = (at.call.model, old.price, new.price, old.grade, new.grade)
            calls, before, after = self.moved.get(names, (0, Decimal(0), Decimal(0)))
            self.moved[names] = (calls + 1, before + (old.total or 0), after + (new.total or 0))

    def difference(self, day: datetime, *, applied: bool) -> Difference:
        moved = [Moved(names, *sums) for names, sums in self.moved.items()]
        return Difference(
            day,
            self.calls,
            len(self.changes),
            self.before,
            self.after,
            self.priced_before,
            self.priced_after,
            tuple(sorted(moved, key=lambda one: -abs(one.after - one.before))),
            applied,
        )


class Repricing:
    """``price`` is the price book's; thread-safe, one day at a time."""

    def __init__(self, run_query: RunQuery, tables: Tables, price: Callable[[Call], Cost], book: str) -> None:
        self._run_query, self._tables, self._price, self._book = run_query, tables, price, book
        self._one_at_a_time = threading.Lock()

    def preview(self, day: datetime) -> Difference:
        """What would change. ``day`` is a UTC midnight."""
        return self._read(day).difference(day, applied=False)

    def apply(self, day: datetime, reason: str, *, restate: bool = False, now: datetime | None = None) -> Difference:
        """Change the day's costs, rollups included, and write down that they changed. Raises Closed and Gone."""
        now = now or datetime.now(timezone.utc)
        closed = (day.year, day.month) < (now.year, now.month)
        with self._one_at_a_time:
            read = self._read(day)
            if closed and read.changes and not restate:
                raise Closed(
                    f"{day:%Y-%m} is over, and its costs may stand in reports; "
                    "give --restate to change them and have every report say so"
                )
            self._check_kept(day, read.calls)
            done = read.difference(day, applied=True)
            record = self._unfinished(day)
            if record is None and read.changes:
                record = self._row(done, reason, now, closed=closed)
                self._tables.insert(restated.TABLE, read.parts.table(record["id"]), f"{record['id']}-parts")
            if record:
                self._save(record | {"state": "started"})
            for some in _chunks(read.changes):
                self._change(day, some)
            rollups.repair(self._tables, day, day + _DAY)
            if record:
                self._save(record | {"state": "applied"})
            return done

    def _unfinished(self, day: datetime) -> dict[str, Any] | None:
        """The record of a change of that day that was interrupted: what is left of it is part of it."""
        sql = "SELECT * FROM restatements FINAL WHERE day = {day:DateTime('UTC')} AND state = 'started' LIMIT 1"
        rows: list[dict[str, Any]] = self._tables.query(sql, {"day": day}).to_pylist()
        return rows[0] if rows else None

    def _read(self, day: datetime) -> _Day:
        read = _Day()
        for one in stored.calls(self._run_query, day, day + _DAY):
            read.add(one, one.cost if one.cost.grade == "provider" else _again(self._price(one.call), one))
        return read

    def _check_kept(self, day: datetime, calls: int) -> None:
        """Dropped calls must not be subtracted from the rollup that remembers them."""
        hours = "hour >= {a:DateTime('UTC')} AND hour < {b:DateTime('UTC')}"
        sql = f"SELECT sum(calls) AS calls FROM calls_hourly WHERE {hours}"
        told = self._tables.query(sql, {"a": day, "b": day + _DAY}).column("calls")[0].as_py() or 0
        if told > calls:
            raise Gone(
                f"of the {told} calls of {day:%Y-%m-%d} only {calls} are still kept one by one: that day cannot be "
                "priced again; its totals stay as they were recorded"
            )

    def _row(self, done: Difference, reason: str, now: datetime, *, closed: bool) -> dict[str, Any]:
        return {
            "id": f"{done.day:%Y-%m-%d}/{now:%Y%m%dT%H%M%S.%fZ}",
            "day": done.day,
            "closed_month": closed,
            **{name: getattr(done, name) for name in ("calls", "changed_calls", "priced_before", "priced_after")},
            "cost_before": done.before,
            "cost_after": done.after,
            "price_book": self._book,
            "reason": reason,
        }

    def _save(self, row: dict[str, Any]) -> None:
        row |= {"updated": datetime.now(timezone.utc)}
        self._tables.insert("restatements", _one_row(row), f"{row['id']}-{row['state']}")

    def _change(self, day: datetime, changes: list[tuple[Call, Cost]]) -> None:
        database = self._tables.query("SELECT currentDatabase() AS name").column("name")[0].as_py()
        columns = ", ".join(f"{name} {type_}" for name, type_ in _SQL_TYPES.items())
        key = "trace_id FixedString(16), span_id FixedString(8)"
        self._clear()
        self._tables.command(
            f"CREATE TABLE IF NOT EXISTS {_CHANGES} ({key}, changed UInt8, {columns})"
            "\nENGINE = MergeTree\nORDER BY (trace_id, span_id)"
        )
        try:
            self._tables.insert(_CHANGES, _rows(changes), f"{_CHANGES}-{day:%Y%m%d}-{len(changes)}")
            self._tables.command(
                f"CREATE TABLE {_IN_MEMORY} ENGINE = Join(ANY, LEFT, trace_id, span_id) AS SELECT * FROM {_CHANGES}"
            )
            self._tables.command(_mutation(day, f"{database}.{_IN_MEMORY}"), _TO_THE_END)
        finally:
            self._clear()

    def _clear(self) -> None:
        """An unfinished mutation would wait for its table for ever, and hold up every later one."""
        self._tables.command(
            "KILL MUTATION WHERE database = currentDatabase() AND table = 'calls' AND NOT is_done"
            f" AND position(command, '{_IN_MEMORY}') > 0 SYNC"
        )
        for table in (_IN_MEMORY, _CHANGES):
            self._tables.command(f"DROP TABLE IF EXISTS {table} SYNC")


_TO_THE_END: Final = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1}


def _mutation(day: datetime, table: str) -> str:
    def new(name: str) -> str:
        return f"joinGet('{table}', '{name}', trace_id, span_id)"

    hours = f"toStartOfHour(start) >= toDateTime({int(day.timestamp())}, 'UTC')"
    hours += f" AND toStartOfHour(start) < toDateTime({int((day + _DAY).timestamp())}, 'UTC')"
    changed = ", ".join(f"{name} = {new(name)}" for name in _SQL_TYPES)
    return f"ALTER TABLE calls UPDATE {changed} WHERE {hours} AND {new('changed')} = 1"


def _again(new: Cost, at: StoredCall) -> Cost:
    """As the ledger keeps it; a modelled cost keeps its band, moved by as much as the cost itself."""
    old = at.cost
    if new.total is not None and old.total and old.low is not None and old.high is not None:
        moved = new.total / old.total
        new = replace(new, low=old.low * moved, high=old.high * moved, reason=old.reason)
    return stored.kept(new)


def _differs(old: Cost, new: Cost) -> bool:
    names = ("total", *_FIGURES, "grade")
    return any(getattr(old, name) != getattr(new, name) for name in names)


def _chunks(changes: list[tuple[Call, Cost]]) -> Iterator[list[tuple[Call, Cost]]]:
    for first in range(0, len(changes), MOST_AT_ONCE):
        yield changes[first : first + MOST_AT_ONCE]


def _rows(changes: Iterable[tuple[Call, Cost]]) -> pa.Table:
    calls, costs = zip(*changes, strict=True)
    money = {"cost": "total", "cost_low": "low", "cost_high": "high", **{f"cost_{part}": part for part in _FIGURES}}
    texts = {"cost_grade": "grade", "cost_reason": "reason", "price": "price"}
    return pa.table(
        {
            "trace_id": pa.array([call.trace_id for call in calls], pa.binary(16)),
            "span_id": pa.array([call.span_id for call in calls], pa.binary(8)),
            "changed": pa.array([1] * len(calls), pa.uint8()),
            **{name: pa.array([getattr(cost, path) for cost in costs], _MONEY) for name, path in money.items()},
            **{name: pa.array([getattr(cost, path) for cost in costs]) for name, path in texts.items()},
        }
    )


def _one_row(row: dict[str, Any]) -> pa.Table:
    money = {name: pa.array([row[name]], _MONEY) for name in ("cost_before", "cost_after")}
    return pa.table({name: pa.array([value]) for name, value in row.items()} | money)
