from __future__ import annotations

from .parameter import WINDOW
from .query import COUNT, TEXT, Asked, Query, between, columns


def _sql(_: Asked) -> str:
    return (
        "SELECT lower(hex(s.trace_id)) AS trace_id, countIf(s.status = 2) AS failed"
        f" FROM spans AS s WHERE {between('from', 'to', 's.')} AND s.kind = 2 GROUP BY s.trace_id"
        " ORDER BY trace_id LIMIT 200000"
    )


QUERY = Query(
    "Traces with a server span: somebody waits for them. failed counts their server spans that ended in an error.",
    WINDOW,
    columns(trace_id=TEXT, failed=COUNT),
    _sql,
)
