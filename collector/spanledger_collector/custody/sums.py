"""What a table holds, as numbers that two copies of it must share: rows, exact sums, and a digest of every value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from spanledger_collector.store import retelling, retention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

BOOKKEEPING: Final = "schema_migrations"  # of the store itself
_SUMMED: Final = re.compile(r"(?:Nullable\()?(?:Decimal|U?Int(?:16|32|64)\b)")
_TABLES: Final = """
SELECT name, engine, engine_full, sorting_key FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name"""
_COLUMNS: Final = """
SELECT table, name, type, is_in_sorting_key FROM system.columns
WHERE database = currentDatabase() ORDER BY table, name"""

Kind = Literal["rows", "latest", "summed"]
_KINDS: Final[Mapping[str, Kind]] = {
    "ReplacingMergeTree": "latest",
    "AggregatingMergeTree": "latest",
    "SummingMergeTree": "summed",
}


@dataclass(frozen=True, slots=True)
class Table:
    """`latest` makes one row of each key, the newest or an aggregate; `summed` adds up; both do so some time later."""

    name: str
    kind: Kind
    columns: tuple[tuple[str, str], ...]  # name and type, by name
    key: tuple[str, ...]
    ordered_by: str  # the first of what its rows are sorted by
    view: str = ""  # the SELECT that fills it, for a table that is made from another
    expires: bool = False  # its rows go by themselves, whatever the settings

    @property
    def has_segments(self) -> bool:
        return "segment" in dict(self.columns)

    @property
    def added(self) -> tuple[str, ...]:
        """Columns of numbers that can be summed."""
        return tuple(
            name
            for name, type_ in self.columns
            if _SUMMED.match(type_) and name != "segment" and not (self.kind == "summed" and name in self.key)
        )


@dataclass(frozen=True, slots=True)
class Sums:
    """`rows` and `digest` are None where the engine may still join rows. Sums are exact decimal text."""

    rows: int | None
    digest: int | None
    sums: Mapping[str, str]


def tables(client: Client) -> dict[str, Table]:
    """Every table of the ledger, by name, as the store itself describes it."""
    views = {view["target"]: view["as_select"] for view in _rows(client, retelling.VIEWS)}
    columns: dict[str, list[dict[str, Any]]] = {}
    for column in _rows(client, _COLUMNS):
        columns.setdefault(column["table"], []).append(column)
    found = {}
    for row in _rows(client, _TABLES):
        name, own = row["name"], columns[row["name"]]
        found[name] = Table(
            name,
            _KINDS.get(row["engine"], "rows"),
            tuple((column["name"], column["type"]) for column in own),
            tuple(column["name"] for column in own if column["is_in_sorting_key"]),
            row["sorting_key"].partition(", ")[0],
            views.get(name, ""),
            expires=" TTL " in row["engine_full"] and name not in (*retention.SPANS, *retention.CALLS),
        )
    return found


def sums(client: Client, table: Table, source: str = "", where: str = "1") -> Sums:
    """Of the table, or of `source`, a SELECT that yields its columns."""
    added = ", ".join(f"toString(sum({name})) AS sum_{name}" for name in table.added)
    values = ", ".join(_comparable(name, type_) for name, type_ in table.columns)
    whole = "" if table.kind == "summed" else f"count() AS rows, sum(cityHash64({values})) AS digest"
    final = " FINAL" if table.kind == "latest" and not source else ""
    of = f"(SELECT {_cast(table)} FROM ({source}))" if source else table.name  # noqa: S608 - the same
    parts = ", ".join(filter(None, (whole, added)))
    (row,) = _rows(client, f"SELECT {parts} FROM {of}{final} WHERE {where}")  # noqa: S608 - names of the store's own
    found = {name: row[f"sum_{name}"] or "0" for name in table.added}
    return Sums(row.get("rows"), row.get("digest"), found)


def expected(client: Client, table: Table) -> Sums:
    """What a table must hold that a view fills, reckoned anew from the rows the view reads."""
    return sums(client, table, table.view)


def difference(table: Table, here: Sums, there: Sums) -> str:
    """Empty, or in what the second differs from the first."""
    if here.rows != there.rows:
        return f"{table.name}: {here.rows} rows against {there.rows}"
    for name, value in here.sums.items():
        if there.sums.get(name) != value:
            return f"{table.name}: sum of {name} is {value} against {there.sums.get(name)}"
    return "" if here.digest == there.digest else f"{table.name}: the same counts and sums, but other values"


def _cast(table: Table) -> str:
    """A view's columns as its table keeps them: a digest tells types apart that hold the same."""
    return ", ".join(f"CAST({name} AS {type_}) AS {name}" for name, type_ in table.columns)


def _comparable(name: str, type_: str) -> str:
    """A digest with a NULL in it would be NULL."""
    return f"ifNull(toString({name}), '\\\\N')" if "Nullable(" in type_ else name


def _rows(client: Client, sql: str) -> list[dict[str, Any]]:
    return list(client.query(sql).named_results())
