"""What a data directory holds, and whether that is sound: parts, sums of rollups against rows, records of the log."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanledger_collector.custody import sums
from spanledger_collector.custody.held import segments
from spanledger_collector.store.clients import connect
from spanledger_collector.wal.record import Damage, records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

_CHECK: Final = "CHECK TABLE {} SETTINGS check_query_single_value_result = 1"
_SCHEMA: Final = "SELECT max(version) FROM schema_migrations"


@dataclass(frozen=True, slots=True)
class Inspection:
    """`faults` are sentences; empty when all is well. `tables` leaves out those without rows."""

    schema: int
    tables: dict[str, sums.Sums]
    log_segments: int
    log_records: int
    faults: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        found = self.tables.get("calls")
        return (found.rows or 0) if found else 0


def inspect(data: Path) -> Inspection:
    """Of a data directory that is held. Reads all of it."""
    read, faults = _log(data)
    if not (data / "store").is_dir():
        return Inspection(0, {}, len(segments(data)), read, tuple(faults))
    with closing(connect(f"chdb://{(data / 'store').resolve()}")) as client:
        return inspect_store(client, len(segments(data)), read, faults)


def inspect_store(
    client: Client, log_segments: int = 0, log_records: int = 0, faults: Sequence[str] = ()
) -> Inspection:
    """Of the tables behind a client."""
    tables = sums.tables(client)
    if sums.BOOKKEEPING not in tables:
        return Inspection(0, {}, log_segments, log_records, (*faults, "there is no ledger in the store"))
    schema = int(client.query(_SCHEMA).result_rows[0][0])
    found = {name: sums.sums(client, table) for name, table in tables.items()}
    return Inspection(
        schema,
        {name: each for name, each in found.items() if each.rows or any(v != "0" for v in each.sums.values())},
        log_segments,
        log_records,
        (*faults, *_unsound(client, tables, found)),
    )


def _unsound(client: Client, tables: dict[str, sums.Table], found: dict[str, sums.Sums]) -> list[str]:
    broken = [
        f"{name}: parts on the disk do not match their checksums"
        for name in tables
        if not int(client.query(_CHECK.format(name)).result_rows[0][0])
    ]
    rolled = (table for table in tables.values() if table.kind == "summed" and table.view)
    apart = (sums.difference(table, sums.expected(client, table), found[table.name]) for table in rolled)
    return [*broken, *(f"{text}: the rollup does not add up to its rows" for text in apart if text)]


def _log(data: Path) -> tuple[int, list[str]]:
    whole, faults = 0, []
    for segment in segments(data):
        for record in records(segment.read()):
            if isinstance(record, Damage):
                if record.kind != "torn":  # a torn end was never acknowledged
                    faults.append(f"{segment.path.name}: {record.size} bytes at {record.offset} cannot be read")
            else:
                whole += 1
    return whole, faults
