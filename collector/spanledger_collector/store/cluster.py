"""The same tables on a cluster of ClickHouse servers, from the same migrations: replicated, sharded, made everywhere.

Each table becomes a replicated local one under its name with `_local`, and a Distributed table under its own name that
collectors and pages use. A trace's rows share a shard, so a trace is read from one; rollups are made where their rows
are. Insertion by token is exactly-once per shard as well: blocks are sent to their shards before an insert returns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .faults import StoreFault

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL: Final = "_local"
# A block that reaches its shard in the background would be acknowledged before it is there.
INSERT_SETTINGS: Final = {"distributed_foreground_insert": "1"}
# A table under another one's condition is read whole, not shard by shard; rows are read where they were written.
SETTINGS: Final = {"distributed_product_mode": "global", "load_balancing": "in_order", "prefer_localhost_replica": "0"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)(?P<rest>\s*\(.*)", re.DOTALL)
_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS(?P<select>.*)", re.DOTALL)
_ALTER: Final = re.compile(r"ALTER TABLE (\w+)(?P<rest>.*)", re.DOTALL)
_DROP: Final = re.compile(r"DROP (TABLE|VIEW) IF EXISTS (\w+)(?P<rest> SYNC)?")
# A helper of a mutation, which every server reads for itself: whole, and from memory.
_FILLED: Final = re.compile(r"CREATE TABLE (\w+) (?P<engine>ENGINE = Join\([^)]*\)) AS SELECT \* FROM (\w+)")
_KILL: Final = re.compile(r"KILL MUTATION WHERE (?P<where>.*)", re.DOTALL)
_OF_TABLE: Final = re.compile(r"\btable = '(\w+)'")
_INSERT: Final = re.compile(r"INSERT INTO \w+ .*", re.DOTALL)
_ENGINE: Final = re.compile(r"ENGINE = (\w*MergeTree)(?:\((?P<arguments>[^)]*)\))?")
_FROM: Final = re.compile(r"\bFROM (\w+)")
_ORDER: Final = re.compile(r"ORDER BY (\([^()]*\)|\w+)\s*$", re.MULTILINE)
_WINDOW: Final = re.compile(r"non_replicated_deduplication_window")


class BadCluster(StoreFault):
    """A cluster setting or a migration that cannot be rendered for one; the text names it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Names from the servers' configuration. `path` and `replica` may use its macros."""

    name: str
    database: str = "default"
    path: str = "/clickhouse/tables/{shard}/{database}/{table}"
    replica: str = "{replica}"

    def __post_init__(self) -> None:
        for what, value in (("cluster", self.name), ("database", self.database)):
            if not _NAME.fullmatch(value):
                raise BadCluster(f"the {what} name {value!r} is none: use letters, digits and underscores")

    def render(self, statement: str) -> Iterator[str]:
        """The statements that do on every server of the cluster what `statement` does on one. Raises BadCluster."""
        if table := _TABLE.fullmatch(statement):
            yield from self._table(table[1], table["rest"])
        elif view := _VIEW.fullmatch(statement):
            select = _FROM.sub(lambda found: f"FROM {found[1]}{LOCAL}", view["select"])
            yield f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view[1]} {self._everywhere} TO {view[2]}{LOCAL} AS{select}"
        elif alter := _ALTER.fullmatch(statement):
            yield f"ALTER TABLE {alter[1]}{LOCAL} {self._everywhere}{alter['rest']}"
            if re.search(r"\b(ADD|DROP|MODIFY|RENAME) COLUMN\b", alter["rest"]):
                columns = re.sub(r"\s*CODEC\([^()]*(?:\([^()]*\)[^()]*)*\)", "", alter["rest"])
                yield f"ALTER TABLE {alter[1]} {self._everywhere}{columns}"
        elif drop := _DROP.fullmatch(statement):
            yield from self._drop(drop[1], drop[2], drop["rest"] or "")
        elif filled := _FILLED.fullmatch(statement):
            yield f"SYSTEM SYNC REPLICA {self._everywhere} {filled[3]}{LOCAL}"
            yield f"CREATE TABLE {filled[1]} {self._everywhere} {filled['engine']} AS SELECT * FROM {filled[3]}"  # noqa: S608 - names of our own
        elif kill := _KILL.fullmatch(statement):
            where = _OF_TABLE.sub(lambda found: f"table = '{found[1]}{LOCAL}'", kill["where"])
            yield f"KILL MUTATION {self._everywhere} WHERE {where.replace('currentDatabase()', self.tables[1])}"
        elif _INSERT.fullmatch(statement):
            yield statement
        else:
            raise BadCluster(f"no form for a cluster is known of: {statement[:80]}")

    @property
    def tables(self) -> tuple[str, str]:
        """Where every shard's tables are listed, and the database as a literal."""
        return f"cluster('{self.name}', system.tables)", f"'{self.database}'"

    @property
    def _everywhere(self) -> str:
        return f"ON CLUSTER {self.name}"

    def _drop(self, kind: str, name: str, rest: str) -> Iterator[str]:
        """A table that is a helper of a mutation has no local one; a view has none either."""
        yield f"DROP {kind} IF EXISTS {name} {self._everywhere}{rest}"
        if kind == "TABLE":
            yield f"DROP {kind} IF EXISTS {name}{LOCAL} {self._everywhere}{rest}"

    def _table(self, name: str, rest: str) -> Iterator[str]:
        engine = _ENGINE.search(rest)
        if engine is None:
            raise BadCluster(f"table {name} has no engine of the MergeTree family")
        own = f", {engine['arguments']}" if engine["arguments"] else ""
        replicated = f"ENGINE = Replicated{engine[1]}('{self.path}', '{self.replica}'{own})"
        local = _WINDOW.sub(
            "replicated_deduplication_window", rest[: engine.start()] + replicated + rest[engine.end() :]
        )
        yield f"CREATE TABLE IF NOT EXISTS {name}{LOCAL} {self._everywhere}{local}"
        yield (
            f"CREATE TABLE IF NOT EXISTS {name} {self._everywhere} AS {name}{LOCAL}\n"
            f"ENGINE = Distributed({self.name}, {self.database}, {name}{LOCAL}, {_sharding(rest)})"
        )


def _sharding(rest: str) -> str:
    """By trace where a row has one; a row that replaces another lies where that one does."""
    if re.search(r"^\s*trace_id ", rest, re.MULTILINE):
        return "cityHash64(trace_id)"
    key = _ORDER.search(rest)
    return f"cityHash64({key[1].strip('()')})" if key else "rand()"
