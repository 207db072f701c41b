"""The ledger's tables in chDB or ClickHouse: one client API, clickhouse-connect, for both."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clickhouse_connect.driver.exceptions import DatabaseError

from spanledger_collector.rows import Rows, joined

from . import call_rows, columns, retelling, retention, span_rows
from .clients import QUERY_SECONDS, Readers, connect, database_of, place
from .cluster import INSERT_SETTINGS, LOCAL, SETTINGS, BadCluster, Cluster
from .faults import QueryRefused, StoreAddress, StoreFault, StoreNewer, StoreOwned, StoreUnreachable
from .migration import Migration, as_written, migrate, shipped
from .partition import by_month, month_of
from .retention import Keep

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

    from spanledger_collector.model import Call, Span
    from spanledger_collector.tellings import Telling

__all__ = [
    "BadCluster",
    "Keep",
    "QueryRefused",
    "Store",
    "StoreAddress",
    "StoreFault",
    "StoreNewer",
    "StoreOwned",
    "StoreUnreachable",
    "TableSize",
    "Written",
    "pack",
]

# ClickHouse error codes of the limits set for readers.
_LIMITS: Final[Mapping[int, str]] = {159: "time", 241: "memory", 396: "rows"}
# The hours say the same as the two lines after them, in terms of the table's first key column: they skip, those select.
_KNOWN: Final = """
WITH fromUnixTimestamp64Nano({first:Int64}, 'UTC') AS first, fromUnixTimestamp64Nano({last:Int64}, 'UTC') AS last
SELECT trace_id, span_id FROM spans
WHERE toStartOfHour(start) BETWEEN toStartOfHour(first) AND toStartOfHour(last)
  AND start >= first AND start <= last
  AND segment != {segment:UInt64}
  AND span_id IN (SELECT toFixedString(unhex(arrayJoin({ids:Array(String)})), 8))"""
_SIZE: Final = """
SELECT name, toUInt64(sum(total_rows)) AS rows, toUInt64(sum(total_bytes)) AS bytes FROM {tables}
WHERE database = {database} AND engine LIKE '%MergeTree' GROUP BY name ORDER BY name"""
# Merges make the indexes anew anyway: to make them for a part of a few thousand rows, which is read whole as quickly,
# takes a quarter of an insert of spans.
_INSERTING: Final[Mapping[str, int]] = {
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialize_skip_indexes_on_insert": 0,
}
LAST_NS: Final = 2**63 - 1

SpanKey = tuple[bytes, bytes]  # trace id, span id


@dataclass(frozen=True, slots=True)
class TableSize:
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Written:
    """Rows handed to the tables. ``cut_values`` attribute values were longer than the table keeps."""

    calls: int
    unpriced_calls: int
    spans: int
    cut_values: int


def pack(calls: Sequence[Call], spans: Sequence[Span]) -> Rows:
    """Records as ``Store.write_rows`` takes them."""
    return Rows(call_rows.table(calls), span_rows.table(spans))


class Store:
    """Thread-safe. Reads run beside writes and beside each other; what is written is readable on return."""

    def __init__(self, writer: Client, readers: Readers, cluster: Cluster | None = None) -> None:
        self._writer = writer
        self._cluster = cluster
        self._readers = readers
        self._writing = threading.Lock()

    @classmethod
    def open(
        cls, dsn: str, *, query_seconds: int = QUERY_SECONDS, migrations: Sequence[Migration] = (), cluster: str = ""
    ) -> Store:
        """Open ``chdb:///absolute/path`` or ``http(s)://...`` and bring its tables up to date, by this release's
        migrations unless others are given. ``cluster`` names the servers' cluster on all of which tables are made.
        Raises StoreAddress, StoreOwned, StoreUnreachable, StoreNewer.
        """
        servers = Cluster(cluster, database_of(dsn)) if cluster else None
        of_servers = SETTINGS if servers else {}
        writer = connect(dsn, of_servers | INSERT_SETTINGS if servers else None)
        try:
            migrate(writer, place(dsn), migrations or shipped(), servers.render if servers else as_written)
            return cls(writer, Readers(dsn, query_seconds, of_servers), servers)
        except BaseException:
            writer.close()
            raise

    def write(self, segment: int, calls: Sequence[Call], spans: Sequence[Span]) -> Written:
        """``write_rows`` of records."""
        return self.write_rows(segment, [pack(calls, spans)])

    def write_rows(self, segment: int, parts: Sequence[Rows]) -> Written:
        """Insert a segment. Doing it again, whole or after a crash in the middle, changes nothing and adds what was
        missing, also in the rollups, as long as the segment holds the same records. Spans go first: what is known is
        told by them, so a bill never stands where another collector would not find its span.
        """
        rows = joined(parts)
        for month, spans in by_month(rows.spans):
            self.insert("spans", columns.of_segment(spans, segment), f"{segment}-spans-{month}")
        for month, calls in by_month(rows.calls):
            self.insert("calls", columns.of_segment(calls, segment), f"{segment}-calls-{month}")
        return Written(rows.calls.num_rows, rows.unpriced_calls, rows.spans.num_rows, span_rows.cut_values(rows.spans))

    def insert(self, table: str, rows: pa.Table, token: str) -> None:
        """Insert rows of one partition as one block; on a table with a dedup window, once per token."""
        with self._writing:
            self._writer.insert_arrow(table, rows, settings={**_INSERTING, "insert_deduplication_token": token})

    def command(self, sql: str, settings: Mapping[str, Any] | None = None) -> None:
        """Run one statement that changes tables, on all servers of the cluster where there is one; no text from
        outside may be in it. Raises BadCluster for a statement without a form for clusters.
        """
        for statement in self._cluster.render(sql) if self._cluster else (sql,):
            with self._writing:
                self._writer.command(statement, settings=dict(settings or {}))

    def known(self, ids: Collection[SpanKey], segment: int, *, between: tuple[int, int] = (0, LAST_NS)) -> set[SpanKey]:
        """Which of these spans another segment has stored already. ``between`` are the first and last start of the
        batch in UTC nanoseconds: with them only the hours concerned are read.
        """
        if not ids:
            return set()
        params = {"ids": [span_id.hex() for _, span_id in ids], "segment": segment}
        table = self.query(_KNOWN, params | {"first": between[0], "last": between[1]})
        traces, spans = (column.to_pylist() for column in table.columns)
        return set(ids) & set(zip(traces, spans, strict=True))

    def tellings(self, suspects: Sequence[Telling], segment: int) -> list[tuple[Telling, bool]]:
        """What other segments brought that may tell of the same calls, each with whether it is billed."""
        return list(retelling.tellings(self.query(retelling.TELLINGS, retelling.parameters(suspects, segment))))

    def retell(self, segment: int, retold: Sequence[retelling.Retold]) -> None:
        """Keep what lost its bill, and take what had one out of ``calls`` and the rollups. Again, it changes nothing:
        a rollup is told once by its token, and by nothing once the row is gone.
        """
        winners = {told.id: winner for told, winner in retold}
        months: dict[str, list[Telling]] = defaultdict(list)
        for told, _ in retold:
            months[month_of(told.start_ns)].append(told)
        for month, lost in months.items():
            rows = retelling.table([(told, winners[told.id]) for told in lost], segment)
            self.insert("retold_calls", rows, f"{segment}-retold-{month}")
            self._retract(lost, f"{segment}-retracted-{month}")

    def _retract(self, lost: Sequence[Telling], token: str) -> None:
        where = retelling.condition(lost)
        if not self.query(retelling.COUNT.format(where=where)).column("n")[0].as_py():
            return
        for view in self.query(retelling.VIEWS).to_pylist():
            target = view["target"].removesuffix(LOCAL)
            described = self.query(retelling.COLUMNS, {"target": view["target"]}).to_pylist()
            if negative := retelling.negative(view, described, where):
                self.insert(target, self.query(negative), f"{token}-{target}")
        self.command(retelling.DELETE.format(where=where), {"mutations_sync": 2})

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Read with server-side parameters (``{name:Type}``). Raises QueryRefused past a limit of a reader."""
        with self._readers.lend() as client:
            try:
                return client.query_arrow(sql, dict(params or {}))
            except DatabaseError as error:
                if refused := _refused(error):
                    raise refused from error
                raise

    def size(self) -> dict[str, TableSize]:
        """Rows and bytes on disk by table; of a cluster those of one replica of each shard."""
        tables, database = self._cluster.tables if self._cluster else ("system.tables", "currentDatabase()")
        sizes = self.query(_SIZE.format(tables=tables, database=database)).to_pylist()
        return {row["name"].removesuffix(LOCAL): TableSize(row["rows"], row["bytes"]) for row in sizes}

    def keep(self, keep: Keep) -> None:
        """Let rows go after so many days, from now on."""
        with self._writing:
            retention.apply(self._writer, keep, self._cluster)

    def close(self) -> None:
        """Waits for what is under way; the store cannot be used afterwards."""
        self._readers.close()
        with self._writing:
            self._writer.close()


def _refused(error: DatabaseError) -> QueryRefused | None:
    limit = _LIMITS.get(error.code or 0)
    return QueryRefused(limit, f"the query passed its limit of {limit}: {error}") if limit else None
