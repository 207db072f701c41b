from __future__ import annotations

import pyarrow as pa

from .parameter import hexadecimal
from .query import MILLISECONDS, MONEY, TEXT, TIME, Asked, Query, columns

_SQL = """
SELECT s.start AS start, s.duration_ns / 1e6 AS duration_ms, s.name AS name, s.service AS service,
  transform(s.kind, [1, 2, 3, 4, 5], ['internal', 'server', 'client', 'producer', 'consumer'], 'unspecified') AS kind,
  transform(s.status, [1, 2], ['ok', 'error'], 'unset') AS status,
  lower(hex(s.span_id)) AS span_id,
  if(s.parent_span_id = toFixedString('', 8), NULL, lower(hex(s.parent_span_id))) AS parent_span_id,
  s.attributes AS attributes, c.cost AS cost_usd, nullIf(toString(c.cost_grade), '') AS cost_grade
FROM (SELECT * FROM spans WHERE trace_id = unhex({trace_id:String})) AS s
LEFT ANY JOIN (SELECT span_id, cost, cost_grade FROM calls WHERE trace_id = unhex({trace_id:String})) AS c
  ON c.span_id = s.span_id
ORDER BY start, span_id"""


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "The spans of one trace, in order of start. cost_usd and cost_grade are null for spans that are no billed call.",
    (hexadecimal("trace_id", "The trace's id in hexadecimal.", 32),),
    columns(
        start=TIME,
        duration_ms=MILLISECONDS,
        name=TEXT,
        service=TEXT,
        kind=TEXT,
        status=TEXT,
        span_id=TEXT,
        parent_span_id=TEXT,
        attributes=pa.map_(TEXT, TEXT),
        cost_usd=MONEY,
        cost_grade=TEXT,
    ),
    _sql,
)
