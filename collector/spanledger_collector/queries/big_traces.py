from __future__ import annotations

from .parameter import FILTERS, WINDOW, count
from .query import COUNT, MONEY, TEXT, TIME, Asked, Query, columns


def _sql(asked: Asked) -> str:
    # The 99th percentile, not the maximum: one runaway trace must not hide the next.
    return (
        "SELECT service, lower(hex(trace_id)) AS trace_id, start, calls, cost_usd, model, call_site, usual_calls,"
        " traces FROM ("
        " SELECT *, count() OVER w AS traces,"
        " toUInt64(quantileExact(0.99)(calls) OVER w) AS usual_calls"
        " FROM (SELECT service, trace_id, min(c.start) AS start, count() AS calls, sum(c.cost) AS cost_usd,"
        " topKWeighted(1)(c.model, 1)[1] AS model,"
        " topKWeighted(1)(if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))), 1)[1] AS call_site"
        f" FROM calls AS c WHERE {asked.calls('c.')} GROUP BY service, trace_id)"
        " WINDOW w AS (PARTITION BY service)"
        ") WHERE traces >= {traces:UInt32} AND calls > 3 * usual_calls AND calls > 20"
        " ORDER BY cost_usd DESC NULLS LAST, calls DESC, trace_id LIMIT 100"
    )


QUERY = Query(
    "Traces with more than three times as many calls as 99 of 100 traces of their service: agents that do not stop. "
    "Only of services with at least `traces` traces.",
    (*WINDOW, *FILTERS, count("traces", "Traces of the service.", default=100, most=1_000_000)),
    columns(
        service=TEXT,
        trace_id=TEXT,
        start=TIME,
        calls=COUNT,
        cost_usd=MONEY,
        model=TEXT,
        call_site=TEXT,
        usual_calls=COUNT,
        traces=COUNT,
    ),
    _sql,
)
