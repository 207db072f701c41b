from __future__ import annotations

from .parameter import FILTERS, WINDOW, count
from .places import SITE, TIGHTLY_BOUNDED
from .query import COUNT, MONEY, TEXT, TIME, Asked, Query, columns


def _sql(asked: Asked) -> str:
    # Counts of all traces first, a few bytes each; what else is told is read of the large ones, and of the traces of
    # services that have any.
    trace, every = "cityHash64(c.service, c.trace_id)", f"FROM calls AS c WHERE {asked.calls('c.')}"
    large = f"{every} AND {trace} IN (SELECT {trace} {every} GROUP BY 1 HAVING count() > 20)"
    made = (
        f"SELECT c.service AS service, {trace} AS trace, count() AS made {every}"
        f" AND c.service IN (SELECT c.service {large}) GROUP BY service, trace"
    )
    return (
        "SELECT t.service AS service, lower(hex(t.trace_id)) AS trace_id, t.start AS start, t.calls AS calls,"
        " t.cost_usd AS cost_usd, t.model AS model, t.call_site AS call_site, u.usual AS usual_calls,"
        " u.traces AS traces"
        " FROM (SELECT c.service AS service, c.trace_id AS trace_id, min(c.start) AS start, count() AS calls,"
        f" sum(c.cost) AS cost_usd, any(c.model) AS model, any({SITE}) AS call_site"
        f" {large} GROUP BY service, trace_id) AS t"
        # The 99th percentile, not the maximum: one runaway trace must not hide the next.
        " INNER JOIN (SELECT service, toUInt64(quantileExact(0.99)(made)) AS usual, count() AS traces"
        f" FROM ({made}) GROUP BY service) AS u ON u.service = t.service"
        " WHERE traces >= {traces:UInt32} AND calls > 3 * usual AND calls > 20"
        " ORDER BY cost_usd DESC NULLS LAST, calls DESC, trace_id LIMIT 100"
        f"{TIGHTLY_BOUNDED}"
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
