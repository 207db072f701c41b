from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, USER, WINDOW
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, columns, ended


def _sql(asked: Asked) -> str:
    return (
        "SELECT c.error_type AS error_type, nullIf(c.http_status, 0) AS http_status, count() AS calls,"
        " toDateTime64(max(c.start), 6, 'UTC') AS last_seen, groupArrayLast(3)(lower(hex(c.trace_id))) AS trace_ids,"
        " topKIf(1, 10, 'counts')(c.user, c.user != '') AS named, if(empty(named), '', named[1].item) AS user,"
        " if(empty(named), 0, named[1].count) AS user_calls"
        f" FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')} AND c.outcome = 'error'"
        " GROUP BY error_type, http_status ORDER BY calls DESC, error_type, http_status"
    )


QUERY = Query(
    "Failed calls that ended in the window, by error and status, with up to three traces each and the user whose calls "
    "most of them are, about how many; most calls first.",
    (*WINDOW, *FILTERS, USER),
    columns(
        error_type=TEXT,
        http_status=pa.uint16(),
        calls=COUNT,
        last_seen=MICROSECOND,
        trace_ids=pa.list_(TEXT),
        user=TEXT,
        user_calls=COUNT,
    ),
    _sql,
)
