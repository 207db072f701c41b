"""Rollups made to say again what the calls say, by adding the difference: rows are inserted, none is rewritten.

A materialized view's own SELECT over the calls, less what its table holds, is what the table lacks. Summing adds it;
doing it twice adds nothing, and whatever a crash left undone the next time does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pyarrow as pa

_VIEWS: Final = """
SELECT name, as_select, extract(create_table_query, 'TO\\\\s+(?:\\\\w+\\\\.)?(\\\\w+)') AS target FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView'"""
_COLUMNS: Final = """
SELECT name, type, is_in_sorting_key AS is_key FROM system.columns
WHERE database = currentDatabase() AND table = {target:String} ORDER BY position"""
_FROM_CALLS: Final = re.compile(r"\bFROM (?:\w+\.)?calls(?:_local)?(?: AS \w+)?\b")
_LOCAL: Final = "_local"  # a server's own share of a table, where the servers of a cluster share it


class Tables(Protocol):
    """A store: reads, and statements that change its tables."""

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table: ...
    def command(self, sql: str, settings: Mapping[str, Any] | None = None) -> None: ...


def repair(tables: Tables, since: datetime, until: datetime) -> None:
    """Make every rollup of the calls' cost exact between two whole UTC days."""
    for view in tables.query(_VIEWS).to_pylist():
        if _FROM_CALLS.search(view["as_select"]):
            described = tables.query(_COLUMNS, {"target": view["target"]}).to_pylist()
            if any(column["name"] == "cost" for column in described):
                tables.command(_difference(view, described, since, until), {"insert_deduplicate": 0})


def _difference(view: dict[str, Any], described: list[dict[str, Any]], since: datetime, until: datetime) -> str:
    keys = [column["name"] for column in described if column["is_key"]]
    sums = {column["name"]: column["type"] for column in described if not column["is_key"]}
    hours = f"toDateTime({int(since.timestamp())}, 'UTC')", f"toDateTime({int(until.timestamp())}, 'UTC')"
    slice_ = f"SELECT * FROM calls WHERE toStartOfHour(start) >= {hours[0]} AND toStartOfHour(start) < {hours[1]}"
    said = _FROM_CALLS.sub(f"FROM ({slice_}) AS c", view["as_select"])
    by, names, target = ", ".join(keys), ", ".join((*keys, *sums)), view["target"].removesuffix(_LOCAL)
    time = next(name for name in keys if name in {"hour", "day"})
    held = (
        f"SELECT {by}, {', '.join(_negated(name, type_) for name, type_ in sums.items())} FROM {target} AS held"
        f" WHERE held.{time} >= {hours[0]} AND held.{time} < {hours[1]}"
    )
    total = ", ".join(f"sum({name}) AS s_{name}" for name in sums)
    return (
        f"INSERT INTO {target} ({names}) SELECT {by}, {', '.join(f's_{name}' for name in sums)}"
        f" FROM (SELECT {by}, {total} FROM (SELECT {names} FROM ({said}) UNION ALL {held}) GROUP BY {by})"
        f" WHERE {' OR '.join(f's_{name} != 0' for name in sums)}"
    )


def _negated(name: str, type_: str) -> str:
    """An unsigned count below zero is its complement: sums wrap around, so that it subtracts all the same."""
    negative = f"negate(held.{name})"
    return f"reinterpretAsUInt64({negative}) AS {name}" if type_ == "UInt64" else f"{negative} AS {name}"
