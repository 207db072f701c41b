"""How long rows are kept, from the settings: a TTL that drops whole parts, so that forgetting costs no merge.

A part holds at most a month, so a row is kept for its days and goes at the latest a month after them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .cluster import LOCAL
from .migration import as_written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clickhouse_connect.driver.client import Client

    from .cluster import Cluster

# Tables by what they hold, each with the column of its time.
SPANS: Final[Mapping[str, str]] = {
    "spans": "start",
    "call_details": "start",
    "call_repeats": "start",
    "headroom_hourly": "hour",
    "checks_hourly": "hour",
    "failed_checks": "start",
    "call_notes": "start",
}
CALLS: Final[Mapping[str, str]] = {
    "calls": "start",
    "calls_hourly": "hour",
    "call_parts_hourly": "hour",
    "places_hourly": "hour",
    "retold_calls": "start",
}
_FULL: Final = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
_ONLY_NEW_PARTS: Final = "SETTINGS materialize_ttl_after_modify = 0"
_TTL: Final = re.compile(r" TTL (.+?)(?= SETTINGS|$)")


@dataclass(frozen=True, slots=True)
class Keep:
    """Days; 0 keeps for ever. Calls and their rollups are the ledger; spans are what it was read from."""

    spans_days: int = 0
    calls_days: int = 0


def apply(client: Client, keep: Keep, cluster: Cluster | None = None) -> None:
    """Change only what is not so already: an ALTER waits for merges."""
    render = cluster.render if cluster else as_written
    for table, column, days in _wanted(keep):
        if _days(client, table + (LOCAL if cluster else "")) == days:
            continue
        changes: tuple[str, ...]
        if days:
            ttl = f"toDateTime({column}) + INTERVAL {days} DAY"
            changes = ("MODIFY SETTING ttl_only_drop_parts = 1", f"MODIFY TTL {ttl} {_ONLY_NEW_PARTS}")
        else:
            changes = ("REMOVE TTL",)
        for change in changes:
            for statement in render(f"ALTER TABLE {table} {change}"):
                client.command(statement)


def _wanted(keep: Keep) -> Iterator[tuple[str, str, int]]:
    for tables, days in ((SPANS, keep.spans_days), (CALLS, keep.calls_days)):
        for table, column in tables.items():
            yield table, column, days


def _days(client: Client, table: str) -> int:
    """How many days the table keeps now; 0 when it has no TTL."""
    rows = client.query(_FULL, {"table": table}).result_rows
    ttl = _TTL.search(rows[0][0]) if rows else None
    number = re.search(r"toIntervalDay\((\d+)\)", ttl[1]) if ttl else None
    return int(number[1]) if number else 0
