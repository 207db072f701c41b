from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT service, provider, model, dialect, usage_note AS note, count() AS calls,"
        " uniqExact(toDate(start)) AS days, groupArray(3)(lower(hex(trace_id))) AS trace_ids"
        f" FROM calls WHERE {asked.calls()} AND usage_note != ''"
        " GROUP BY service, provider, model, dialect, note ORDER BY calls DESC, service, model, note LIMIT 100"
    )


QUERY = Query(
    "What is wrong with reported token counts, in words, with how many calls have it.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        provider=TEXT,
        model=TEXT,
        dialect=TEXT,
        note=TEXT,
        calls=COUNT,
        days=COUNT,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
