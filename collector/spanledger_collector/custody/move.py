"""An embedded ledger moved to a ClickHouse server: rows go over in chunks that are inserted once, however often the
move is begun again; rollups are made there by the same views; at the end every table is compared.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.custody import sums
from spanledger_collector.custody.held import CustodyFault, held, segments
from spanledger_collector.store import Store, StoreFault
from spanledger_collector.store.clients import connect, place
from spanledger_collector.store.cluster import INSERT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from spanledger_collector.custody.sums import Sums, Table

JOURNAL: Final = "move.json"
CHUNK_ROWS: Final = 20_000
_MERGES: Final = "SYSTEM STOP MERGES"  # rows must not be joined or expire while they are counted and read
_LAST: Final = "SELECT max(segment) AS last FROM {}"
_SEGMENTS: Final = """
SELECT toYYYYMM(start) AS month, segment, count() AS rows FROM {} GROUP BY month, segment ORDER BY month, segment"""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one month and of consecutive segments, which become one block."""

    month: int
    first: int
    last: int
    rows: int

    @property
    def where(self) -> str:
        return f"toYYYYMM(start) = {self.month} AND segment BETWEEN {self.first} AND {self.last}"


@dataclass(frozen=True, slots=True)
class Moved:
    """One table as it is on both sides. `compared` is false where rows expire by themselves."""

    table: str
    held: Sums
    compared: bool = True


def move(data: Path, dsn: str, cluster: str, say: Callable[[str], None]) -> list[Moved]:
    """Every row of the store in `data` to the server, verified. What is here stays here. Raises CustodyFault."""
    with held(data), ExitStack() as opened:
        if waiting := segments(data):
            raise CustodyFault(
                f"the log in {data} holds {len(waiting)} segments that are not in the store yet: start the collector "
                "once (spanledger collect) and stop it with Ctrl-C, which works them off; then move"
            )
        if not (data / "store").is_dir():
            raise CustodyFault(f"{data} has no embedded store to move")
        try:
            Store.open(f"chdb://{(data / 'store').resolve()}").close()  # brings it to this release's schema
            Store.open(dsn, cluster=cluster).close()
            source = opened.enter_context(closing(connect(f"chdb://{(data / 'store').resolve()}")))
            target = opened.enter_context(closing(connect(dsn)))
        except StoreFault as error:
            raise CustodyFault(str(error)) from error
        source.command(_MERGES)
        return _Move(source, target, place(dsn), data / JOURNAL, clustered=bool(cluster), say=say).run()


class _Move:
    def __init__(
        self,
        source: Client,
        target: Client,
        where: str,
        journal: Path,
        *,
        clustered: bool,
        say: Callable[[str], None],
    ) -> None:
        self._source, self._target, self._where, self._journal, self._say = source, target, where, journal, say
        self._settings: dict[str, Any] = {"async_insert": "0"} | (INSERT_SETTINGS if clustered else {})
        self._tables = {name: each for name, each in sums.tables(source).items() if name != sums.BOOKKEEPING}

    def run(self) -> list[Moved]:
        ends = self._begin()
        for table in self._tables.values():
            if not table.view:
                self._copy(table, ends)
        return [self._verified(table) for table in self._tables.values()]

    def _begin(self) -> list[int]:
        """Where earlier attempts ended: what came since must not change the chunks made then."""
        known = json.loads(self._journal.read_text()) if self._journal.exists() else {}
        if known.get("to") != self._where:
            self._must_be_empty()
            known = {"to": self._where, "ends": []}
        last = max(int(self._one(self._source, _LAST.format(name))) for name in self._with_segments())
        ends = sorted({*known["ends"], last})
        self._journal.write_text(json.dumps({"to": self._where, "ends": ends}))
        return ends

    def _must_be_empty(self) -> None:
        for name in (name for name, table in self._tables.items() if not table.view):
            if rows := int(self._one(self._target, f"SELECT count() FROM {name}")):  # noqa: S608 - a name of the store's
                raise CustodyFault(
                    f"{self._where} holds {rows} rows in {name} that this move did not send: give a database without "
                    "a ledger, in which no collector writes until the move is done"
                )

    def _with_segments(self) -> Iterator[str]:
        return (name for name, table in self._tables.items() if table.has_segments)

    def _copy(self, table: Table, ends: list[int]) -> None:
        if not table.has_segments:
            self._copy_whole(table)
            return
        chunks = list(_chunks(self._rows(_SEGMENTS.format(table.name)), ends))
        for number, chunk in enumerate(chunks, 1):
            if self._count(table, chunk.where) != chunk.rows:
                token = f"move-{table.name}-{chunk.month}-{chunk.first}-{chunk.last}"
                self._send(table, chunk.where, {"insert_deduplication_token": token})
            self._say(f"{table.name}: {number} of {len(chunks)} chunks are there")

    def _copy_whole(self, table: Table) -> None:
        """Small tables. A newer row of the same key replaces; of one without keys only what came later is sent."""
        where = "1"
        if table.kind == "rows":
            latest = self._one(self._target, f"SELECT toString(max({table.ordered_by})) FROM {table.name}")  # noqa: S608
            where = f"{table.ordered_by} > toDateTime64('{latest}', 9, 'UTC')"
        self._send(table, where, {})
        self._say(f"{table.name}: there")

    def _send(self, table: Table, where: str, settings: dict[str, str]) -> None:
        columns = [name for name, _ in table.columns]
        sql = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {where}"  # noqa: S608 - names of the store's own
        block = self._source.raw_query(sql, fmt="Native", settings={"max_threads": 1})
        if block:
            self._target.raw_insert(
                table.name,
                column_names=columns,
                insert_block=block,
                fmt="Native",
                settings={
                    **self._settings,
                    "deduplicate_blocks_in_dependent_materialized_views": 1,
                    **settings,
                },
            )

    def _verified(self, table: Table) -> Moved:
        here = sums.expected(self._source, table) if table.view and table.kind != "summed" else None
        here = here or sums.sums(self._source, table)
        if table.expires:
            return Moved(table.name, here, compared=False)
        if apart := sums.difference(table, here, sums.sums(self._target, table)):
            raise CustodyFault(
                f"what {self._where} holds is not what was here - {apart}. Nothing here was changed. Let no collector "
                "write there and move again; if it stays so, move into an empty database"
            )
        return Moved(table.name, here)

    def _count(self, table: Table, where: str) -> int:
        return int(self._one(self._target, f"SELECT count() FROM {table.name} WHERE {where}"))  # noqa: S608

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return list(self._source.query(sql).named_results())

    @staticmethod
    def _one(client: Client, sql: str) -> Any:
        return client.query(sql).result_rows[0][0]


def _chunks(rows: list[dict[str, Any]], ends: list[int]) -> Iterator[Chunk]:
    """Of `rows`, by month and segment: up to CHUNK_ROWS each, and none across an end."""
    chunk: Chunk | None = None
    for row in rows:
        month, segment, count = int(row["month"]), int(row["segment"]), int(row["rows"])
        if chunk and (
            month != chunk.month or chunk.rows + count > CHUNK_ROWS or any(chunk.last <= end < segment for end in ends)
        ):
            yield chunk
            chunk = None
        first, held_rows = (chunk.first, chunk.rows) if chunk else (segment, 0)
        chunk = Chunk(month, first, segment, held_rows + count)
    if chunk:
        yield chunk
