from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, TEXT, TIME, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT error_type, nullIf(http_status, 0) AS http_status, provider, model, count() AS calls,"
        f" max(start) AS last_seen FROM calls WHERE {asked.calls()} AND outcome = 'error'"
        " GROUP BY error_type, http_status, provider, model ORDER BY calls DESC, last_seen DESC"
    )


QUERY = Query(
    "Failed calls by error, status, provider and model, most calls first. http_status is null when no response came.",
    (*WINDOW, *FILTERS),
    columns(error_type=TEXT, http_status=pa.uint16(), provider=TEXT, model=TEXT, calls=COUNT, last_seen=TIME),
    _sql,
)
