from __future__ import annotations

from .query import TIME, Asked, Query, columns


def _sql(_: Asked) -> str:
    # The first hour is the first of the table's key, and moments are read of that hour alone.
    hour = "SELECT toStartOfHour(f.start) FROM calls AS f ORDER BY toStartOfHour(f.start) LIMIT 1"
    return (
        f"SELECT min(c.start) AS first_seen FROM calls AS c WHERE toStartOfHour(c.start) = ({hour}) HAVING count() > 0"
    )


QUERY = Query("When the ledger begins: its first call. No row while there is none.", (), columns(first_seen=TIME), _sql)
