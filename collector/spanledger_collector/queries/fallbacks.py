from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import BOUNDED
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT c.service AS service, c.feature AS feature, m.fallback_from AS from_model,"
        " if(m.fallback_to = '', c.model, m.fallback_to) AS to_model, m.fallback_to != '' AS said, count() AS calls,"
        " count(c.cost) AS priced_calls, if(priced_calls = 0, NULL, sum(ifNull(c.cost, 0))) AS cost_usd"
        " FROM calls AS c INNER JOIN (SELECT n.trace_id AS trace_id, n.call_id AS call_id,"
        " max(n.fallback_from) AS fallback_from, max(n.fallback_to) AS fallback_to FROM call_notes AS n"
        f" WHERE {between('from', 'to', 'n.')} AND (n.fallback_from != '' OR n.fallback_to != '')"
        " GROUP BY trace_id, call_id) AS m ON m.call_id = c.span_id AND m.trace_id = c.trace_id"
        f" WHERE {asked.calls('c.')} GROUP BY service, feature, from_model, to_model, said"
        f" ORDER BY calls DESC, service, feature, from_model, to_model{BOUNDED}"
    )


QUERY = Query(
    "Calls that stood in for a failed call to another model, and calls without whose reply the application went on "
    "(said: it says so itself, and to_model is what it did instead); cost_usd is what is known to have been paid for "
    "them.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        feature=TEXT,
        from_model=TEXT,
        to_model=TEXT,
        said=pa.bool_(),
        calls=COUNT,
        priced_calls=COUNT,
        cost_usd=MONEY,
    ),
    _sql,
)
