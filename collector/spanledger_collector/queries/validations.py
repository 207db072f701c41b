from __future__ import annotations

import pyarrow as pa

from .later_checks import TRUNCATED, later
from .parameter import FILTERS, WINDOW
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns

_KEYS = "service, model, schema"
_OF_DETAILS = "d.service AS service, d.model AS model, d.schema_name AS schema"
_ID = "reinterpretAsUInt64({}.span_id)"
_FAILED = "d.validation = 'failed'"


def _sql(asked: Asked) -> str:
    # Most first, in two lists of one order.
    ranked = "arrayReverseSort(pair -> pair.2, arrayZip(f.named.1, f.named.2))"
    same = " AND ".join(f"f.{key} = n.{key}" for key in _KEYS.split(", "))
    return (
        "SELECT n.service AS service, n.model AS model, n.schema AS schema, n.calls AS calls, f.failures AS failures,"
        " f.truncated AS truncated_failures, n.truncated AS truncated, f.priced AS priced_failures,"
        " if(f.priced = 0, NULL, f.usd) AS cost_usd,"
        f" arrayMap(pair -> pair.1, {ranked}) AS fields, arrayMap(pair -> pair.2, {ranked}) AS field_calls,"
        f" f.trace_ids AS trace_ids FROM ({_checked(asked)}) AS n LEFT JOIN ({_failed(asked)}) AS f ON {same}"
        " ORDER BY cost_usd DESC NULLS LAST, failures DESC, service, model, schema"
    )


def _checked(asked: Asked) -> str:
    """Of all that were checked little is read."""
    cut = f"SELECT {_ID.format('c')} FROM calls AS c PREWHERE {asked.calls('c.')} AND {TRUNCATED}"
    return (
        f"SELECT {_KEYS}, sum(t.calls) AS calls, sum(t.truncated) AS truncated FROM ("
        f"SELECT {_OF_DETAILS}, count() AS calls, countIf({_ID.format('d')} IN ({cut})) AS truncated"
        f" FROM call_details AS d WHERE {asked.details('d.')} AND d.validation != '' GROUP BY {_KEYS}"
        f" UNION ALL SELECT {_KEYS}, toUInt64(1) AS calls, toUInt64(l.cut) AS truncated FROM ({later(asked)}) AS l"
        f" WHERE l.before = '') AS t GROUP BY {_KEYS}"
    )


def _failed(asked: Asked) -> str:
    ids = f"SELECT {_ID.format('d')} FROM call_details AS d WHERE {between('from', 'to', 'd.')} AND {_FAILED}"
    told = (
        f"SELECT {_ID.format('c')} AS id, {TRUNCATED} AS cut, c.cost AS usd FROM calls AS c"
        f" PREWHERE {asked.calls('c.')} AND {_ID.format('c')} IN ({ids})"
    )
    return (
        f"SELECT {_KEYS}, count() AS failures, countIf(t.cut) AS truncated, count(t.usd) AS priced,"
        " sum(ifNull(t.usd, 0)) AS usd, sumMap(t.fields, arrayMap(name -> toUInt64(1), t.fields)) AS named,"
        " groupArray(3)(lower(hex(t.trace_id))) AS trace_ids FROM ("
        f"SELECT {_OF_DETAILS}, c.cut AS cut, c.usd AS usd, d.validation_fields AS fields, d.trace_id AS trace_id"
        f" FROM call_details AS d LEFT JOIN ({told}) AS c ON c.id = {_ID.format('d')}"
        f" WHERE {asked.details('d.')} AND {_FAILED}"
        f" UNION ALL SELECT {_KEYS}, l.cut AS cut, l.usd AS usd, l.fields AS fields, l.trace_id AS trace_id"
        f" FROM ({later(asked)}) AS l WHERE l.failed AND l.before != 'failed') AS t GROUP BY {_KEYS}"
    )


QUERY = Query(
    "Replies that were checked against a schema, in the call or after it, by service, model and schema: how many "
    "failed, which fields were named how often, how many were cut short, and what is known to have been paid for those "
    "that failed.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        model=TEXT,
        schema=TEXT,
        calls=COUNT,
        failures=COUNT,
        truncated_failures=COUNT,
        truncated=COUNT,
        priced_failures=COUNT,
        cost_usd=MONEY,
        fields=pa.list_(TEXT),
        field_calls=pa.list_(COUNT),
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
