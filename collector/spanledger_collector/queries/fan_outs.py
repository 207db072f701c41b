from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, count
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns

_PLACE = "service, feature, provider, model, call_site"


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {_PLACE}, count() AS parents, uniqExact(toDate(first)) AS days, sum(made) AS calls,"
        " toFloat64(median(made)) AS calls_per_parent, max(made) AS most, sum(shared_usd) AS shared_usd,"
        " avg(shared) AS shared_part, groupArrayArray({claims:UInt32})(members) AS shared_calls,"
        " groupArray(3)(lower(hex(trace_id))) AS trace_ids"
        f" FROM ({_parents(asked)}) GROUP BY {_PLACE} ORDER BY shared_usd DESC, calls DESC, {_PLACE}"
    )


def _parents(asked: Asked) -> str:
    # All but one call of a parent repeat what stands in front of the messages: tools and system text.
    front = "(f.section_chars[1] + f.section_chars[2]) / greatest(1, arraySum(f.section_chars))"
    return (
        "SELECT c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        " if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))) AS call_site,"
        " c.trace_id AS trace_id, c.parent_span_id AS parent, f.system AS system, min(c.start) AS first,"
        " count() AS made,"
        f" avg({front}) AS shared,"
        f" toDecimal128(sum(ifNull(c.cost_input + c.cost_cache_read, 0) * toDecimal128({front}, 9)), 18) * (made - 1)"
        " / made AS shared_usd,"
        f" groupArray((lower(hex(c.span_id)), toDecimal128(ifNull(c.cost_input + c.cost_cache_read, 0)"
        f" * toDecimal128({front}, 9), 18))) AS members"
        " FROM calls AS c INNER JOIN fingerprints AS f ON f.span_id = c.span_id AND f.trace_id = c.trace_id"
        f" WHERE {between('from', 'to', 'f.')} AND {asked.calls('c.')} AND c.outcome = 'ok'"
        " AND c.parent_span_id != unhex('0000000000000000')"
        " GROUP BY service, feature, provider, model, call_site, trace_id, parent, system"
        " HAVING made >= {children:UInt32} AND uniqExact(f.request) = made"
    )


QUERY = Query(
    "Parents of at least `children` calls from one place with one system text and different requests: loops over a "
    "list. shared_usd is what repeating tools and system text cost beyond the first call; shared_calls the calls' "
    "parts of it, at most `claims`.",
    (
        *WINDOW,
        *FILTERS,
        count("children", "Calls of one parent.", default=10, most=10_000),
        count("claims", "Calls listed per place.", default=5000, most=50_000),
    ),
    columns(
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        call_site=TEXT,
        parents=COUNT,
        days=COUNT,
        calls=COUNT,
        calls_per_parent=pa.float64(),
        most=COUNT,
        shared_usd=MONEY,
        shared_part=pa.float64(),
        shared_calls=pa.list_(pa.struct([pa.field("1", TEXT), pa.field("2", MONEY)])),
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
