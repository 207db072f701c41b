from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns
from .waste import CUT

_FAILED = "d.validation = 'failed'"
_TRUNCATED = f"(c.outcome = 'truncated' OR c.finish_reason IN ({CUT}))"


def _sql(asked: Asked) -> str:
    fields = f"sumMapIf(d.validation_fields, arrayMap(name -> toUInt64(1), d.validation_fields), {_FAILED})"
    # Most first, in two lists of one order.
    ranked = "arrayReverseSort(pair -> pair.2, arrayZip(named.1, named.2))"
    return (
        f"SELECT d.service AS service, d.model AS model, d.schema_name AS schema, count() AS calls,"
        f" countIf({_FAILED}) AS failures, countIf({_FAILED} AND c.cut) AS truncated_failures,"
        f" countIf(c.cut) AS truncated, countIf({_FAILED} AND c.usd IS NOT NULL) AS priced_failures,"
        f" if(priced_failures = 0, NULL, sumIf(ifNull(c.usd, 0), {_FAILED})) AS cost_usd, {fields} AS named,"
        f" arrayMap(pair -> pair.1, {ranked}) AS fields, arrayMap(pair -> pair.2, {ranked}) AS field_calls,"
        f" groupArrayIf(3)(lower(hex(d.trace_id)), {_FAILED}) AS trace_ids"
        f" FROM call_details AS d LEFT JOIN ({_told(asked)}) AS c ON c.id = reinterpretAsUInt64(d.span_id)"
        f" WHERE {asked.details('d.')} AND d.validation != ''"
        " GROUP BY service, model, schema ORDER BY cost_usd DESC NULLS LAST, failures DESC, service, model, schema"
    )


def _told(asked: Asked) -> str:
    """The few calls of which more is asked than that there was one: those that failed, and those that were cut."""
    failed = (
        "SELECT reinterpretAsUInt64(f.span_id) FROM call_details AS f"
        f" WHERE {between('from', 'to', 'f.')} AND f.validation = 'failed'"
    )
    return (
        f"SELECT reinterpretAsUInt64(c.span_id) AS id, {_TRUNCATED} AS cut, c.cost AS usd FROM calls AS c"
        f" PREWHERE {asked.calls('c.')} AND ({_TRUNCATED} OR reinterpretAsUInt64(c.span_id) IN ({failed}))"
    )


QUERY = Query(
    "Replies that were checked against a schema, by service, model and schema: how many failed, which fields were "
    "named how often, how many were cut short, and what is known to have been paid for those that failed.",
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
