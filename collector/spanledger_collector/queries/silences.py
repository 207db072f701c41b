from __future__ import annotations

import pyarrow as pa

from .parameter import WINDOW
from .query import MICROSECOND, TEXT, Asked, Query, columns

_SQL = (
    "SELECT * FROM silences FINAL WHERE until > fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    " AND since < fromUnixTimestamp64Nano({to:Int64}, 'UTC') ORDER BY until DESC, id"
)


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Silences given over the API that were on at any time in the window. Those of a file are not among them.",
    WINDOW,
    columns(
        id=TEXT,
        matchers=pa.map_(TEXT, TEXT),
        author=TEXT,
        reason=TEXT,
        since=MICROSECOND,
        until=MICROSECOND,
        updated=MICROSECOND,
    ),
    _sql,
)
