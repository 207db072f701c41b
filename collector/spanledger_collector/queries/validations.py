from __future__ import annotations

import pyarrow as pa

from .later_checks import TRUNCATED, later
from .ledger import whole_and_edges
from .parameter import DETAILED, DIMENSIONS, FILTERS, WINDOW
from .query import COUNT, MONEY, TEXT, Asked, Query, columns, near

_KEYS = "service, model, schema"
_OF_DETAILS = "d.service AS service, d.model AS model, d.schema_name AS schema"
_ID = "reinterpretAsUInt64({}.span_id)"


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
    """Of all that were checked, how many; whose reply was cut short is looked up."""
    cut = f"SELECT {_ID.format('c')} FROM calls AS c PREWHERE {TRUNCATED} AND {asked.calls('c.')}"
    details = f"FROM call_details AS d WHERE {near('from', 'to', 'd.')} AND d.validation != ''"
    return (
        f"SELECT {_KEYS}, sum(l.calls) AS calls, sum(l.cut) AS truncated FROM ({_hours(asked)} UNION ALL"
        f" SELECT {_OF_DETAILS}, toUInt64(0) AS calls, toUInt64(1) AS cut {details} AND {_ID.format('d')} IN ({cut})"
        f" UNION ALL SELECT {_KEYS}, toUInt64(1) AS calls, toUInt64(t.cut) AS cut FROM ({later(asked)}) AS t"
        f" WHERE t.before = '') AS l GROUP BY {_KEYS}"
    )


def _hours(asked: Asked) -> str:
    """The rollup knows whose calls they were, no more; where more is asked for, each call is read."""
    counted = "toUInt64(1) AS calls, toUInt64(0) AS cut FROM call_details AS"
    if any(asked.values.get(name) for name in DIMENSIONS if name not in DETAILED):
        return f"SELECT {_OF_DETAILS}, {counted} d WHERE {asked.details('d.')} AND d.validation != ''"
    rollup = "SELECT service, model, schema_name AS schema, calls, toUInt64(0) AS cut FROM checks_hourly"
    details = f"SELECT {_OF_DETAILS.replace('d.', 'c.')}, {counted} c"
    return " UNION ALL ".join(whole_and_edges(asked, rollup, details, " AND c.validation != ''"))


def _failed(asked: Asked) -> str:
    failed = f"FROM failed_checks AS d WHERE {asked.details('d.')}"
    # Few services check replies: short words leave few ids to look up.
    theirs = f" AND c.service IN (SELECT d.service {failed})"
    told = (
        f"SELECT {_ID.format('c')} AS id, {TRUNCATED} AS cut, c.cost AS usd FROM calls AS c"
        f" WHERE {near('from', 'to', 'c.')}{asked.filters('c.')}{theirs}"
        f" AND {_ID.format('c')} IN (SELECT {_ID.format('d')} {failed})"
    )
    return (
        f"SELECT {_KEYS}, count() AS failures, countIf(t.cut) AS truncated, count(t.usd) AS priced,"
        " sum(ifNull(t.usd, 0)) AS usd, sumMap(t.fields, arrayMap(name -> toUInt64(1), t.fields)) AS named,"
        " groupArray(3)(lower(hex(t.trace_id))) AS trace_ids FROM ("
        f"SELECT {_OF_DETAILS}, c.cut AS cut, c.usd AS usd, d.validation_fields AS fields, d.trace_id AS trace_id"
        f" FROM (SELECT * {failed}) AS d LEFT JOIN ({told}) AS c ON c.id = {_ID.format('d')}"
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
