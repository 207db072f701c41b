from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, columns

# Of calls the price book was asked about, it names the line even where it has none; usage that contradicts itself
# or is absent never reaches the book.
_UNPRICED = "c.cost_grade = 'unknown' AND c.price != '' AND ifNull(c.input_tokens, 0) + ifNull(c.output_tokens, 0) > 0"


def _sql(asked: Asked) -> str:
    return (
        "SELECT provider, model, topK(1)(c.price)[1] AS price, topK(1)(c.cost_reason)[1] AS reason,"
        " arraySort(groupUniqArray(c.service)) AS services, count() AS calls,"
        " sum(ifNull(c.input_tokens, 0)) AS input_tokens, sum(ifNull(c.output_tokens, 0)) AS output_tokens,"
        " toDateTime64(min(c.start), 6, 'UTC') AS first_seen, toDateTime64(max(c.start), 6, 'UTC') AS last_seen,"
        " groupArrayLast(3)(lower(hex(c.trace_id))) AS trace_ids"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND {_UNPRICED} GROUP BY provider, model"
        " ORDER BY input_tokens + output_tokens DESC, provider, model"
    )


QUERY = Query(
    "Models whose tokens were counted and whose price is not known; price names the line that was looked for.",
    (*WINDOW, *FILTERS),
    columns(
        provider=TEXT,
        model=TEXT,
        price=TEXT,
        reason=TEXT,
        services=pa.list_(TEXT),
        calls=COUNT,
        input_tokens=COUNT,
        output_tokens=COUNT,
        first_seen=MICROSECOND,
        last_seen=MICROSECOND,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
