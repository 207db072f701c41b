from __future__ import annotations

import pyarrow as pa

from .parameter import WINDOW
from .query import MICROSECOND, TEXT, Asked, Query, columns

_SQL = (
    "SELECT * FROM notifications WHERE sent >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    " AND sent < fromUnixTimestamp64Nano({to:Int64}, 'UTC') ORDER BY sent DESC, fingerprint, notifier"
)


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Every delivery of an alert that was tried, newest first, and what the receiver answered.",
    WINDOW,
    columns(
        fingerprint=TEXT,
        since=MICROSECOND,
        state=TEXT,
        notifier=TEXT,
        sent=MICROSECOND,
        ok=pa.bool_(),
        retryable=pa.bool_(),
        detail=TEXT,
    ),
    _sql,
)
