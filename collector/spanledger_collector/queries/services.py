from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, TEXT, TIME, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT service, environment, count() AS calls, min(start) AS first_seen, max(start) AS last_seen,"
        f" max(c.demo) AS demo FROM calls AS c WHERE {asked.calls()}"
        " GROUP BY service, environment ORDER BY service, environment"
    )


QUERY = Query(
    "Which services of which environments made calls. demo: at least one of the calls is made-up traffic.",
    (*WINDOW, *FILTERS),
    columns(service=TEXT, environment=TEXT, calls=COUNT, first_seen=TIME, last_seen=TIME, demo=pa.bool_()),
    _sql,
)
