from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import BOUNDED
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns

_COLUMNS = columns(
    kind=TEXT,
    service=TEXT,
    provider=TEXT,
    model=TEXT,
    emitter=TEXT,
    calls=COUNT,
    days=pa.uint16(),
    cost_usd=MONEY,
    trace_ids=pa.list_(TEXT),
)
_TOLD = (
    " count() AS calls, toUInt16(uniqExact(toDate(c.start))) AS days, sum(c.cost) AS cost_usd,"
    " groupArray(3)(lower(hex(c.trace_id))) AS trace_ids"
)


def _sql(asked: Asked) -> str:
    return (
        f"SELECT * FROM ({_skipped(asked)} UNION ALL {_billed(asked)})"
        f" ORDER BY cost_usd DESC NULLS LAST, calls DESC, kind, service, model, emitter{BOUNDED}"
    )


def _skipped(asked: Asked) -> str:
    """Told of again by another emitter; what the row that has the bill costs is what was not counted twice."""
    return (
        "SELECT 'skipped' AS kind, c.service AS service, c.provider AS provider, c.model AS model,"
        f" r.emitter AS emitter,{_TOLD}"
        " FROM calls AS c INNER JOIN (SELECT t.kept_trace_id AS trace_id, t.kept_span_id AS span_id,"
        f" t.emitter AS emitter FROM retold_calls AS t WHERE {between('from', 'to', 't.')}) AS r"
        f" ON r.span_id = c.span_id AND r.trace_id = c.trace_id WHERE {asked.calls('c.')}"
        " GROUP BY service, provider, model, emitter"
    )


def _billed(asked: Asked) -> str:
    """Rows of one provider with one reply's id, all but one of each."""
    again = (
        "SELECT cityHash64(i.provider, i.response_id) FROM calls AS i"
        f" WHERE {asked.calls('i.')} AND i.response_id != '' GROUP BY 1 HAVING count() > 1"
    )
    return (
        "SELECT 'billed' AS kind, c.service AS service, c.provider AS provider, c.model AS model,"
        f" c.emitter AS emitter,{_TOLD}"
        " FROM (SELECT b.*, row_number() OVER (PARTITION BY b.provider, b.response_id ORDER BY b.start, b.span_id)"
        f" AS place FROM calls AS b WHERE {asked.calls('b.')} AND b.response_id != ''"
        f" AND cityHash64(b.provider, b.response_id) IN ({again})) AS c WHERE c.place > 1"
        " GROUP BY service, provider, model, emitter"
    )


QUERY = Query(
    "Calls told of more than once. skipped: another emitter told of them too and was not counted; cost_usd is what "
    "counting would have added. billed: rows that carry the id of a reply that is in the ledger already, and are in "
    "its sums; cost_usd is what they add.",
    (*WINDOW, *FILTERS),
    _COLUMNS,
    _sql,
)
