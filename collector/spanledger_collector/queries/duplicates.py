from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, count
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns


def _sql(asked: Asked) -> str:
    # A repeat is an answered request of which an equal one was answered at most `within_s` before it.
    return (
        "SELECT service, feature, provider, model, call_site, count() AS calls, countIf(repeated) AS repeats,"
        " uniqExactIf(request, repeated) AS requests, uniqExactIf(toDate(start), repeated) AS days,"
        " max(temperature) AS temperature, sumIf(cost, repeated) AS repeated_usd,"
        " countIf(repeated AND isNull(cost)) AS unpriced,"
        " groupArrayIf({claims:UInt32})((span_id, ifNull(cost, toDecimal128(0, 18))), repeated AND cost > 0)"
        " AS repeated_calls,"
        " groupArrayIf(3)(trace_id, repeated) AS trace_ids"
        f" FROM ({_repeats(asked)}) GROUP BY service, feature, provider, model, call_site HAVING repeats > 0"
        " ORDER BY repeated_usd DESC NULLS LAST, repeats DESC, service, model, call_site"
    )


def _repeats(asked: Asked) -> str:
    return (
        "SELECT c.service AS service, c.feature AS feature, c.provider AS provider, c.model AS model,"
        " if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))) AS call_site, c.start AS start,"
        " c.cost AS cost, lower(hex(c.span_id)) AS span_id, lower(hex(c.trace_id)) AS trace_id, f.request AS request,"
        " d.temperature AS temperature,"
        " lagInFrame(toNullable(c.start)) OVER (PARTITION BY c.service, f.request ORDER BY c.start"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last,"
        " isNotNull(last) AND c.start - last <= {within_s:UInt32} AS repeated"
        " FROM fingerprints AS f INNER JOIN calls AS c ON c.span_id = f.span_id AND c.trace_id = f.trace_id"
        f" LEFT JOIN (SELECT span_id, temperature FROM call_details AS t WHERE {between('from', 'to', 't.')}) AS d"
        " ON d.span_id = c.span_id"
        f" WHERE {between('from', 'to', 'f.')} AND {asked.calls('c.')} AND c.outcome = 'ok'"
    )


QUERY = Query(
    "Answered requests that an equal one (by fingerprint: model, settings, tools and whole prompt) had been answered "
    "for at most within_s seconds before, by place. repeated_calls are at most `claims` of them with their cost.",
    (
        *WINDOW,
        *FILTERS,
        count("within_s", "Seconds.", default=3600, most=86_400),
        count("claims", "Calls listed per place.", default=5000, most=50_000),
    ),
    columns(
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        call_site=TEXT,
        calls=COUNT,
        repeats=COUNT,
        requests=COUNT,
        days=COUNT,
        temperature=pa.float32(),
        repeated_usd=MONEY,
        unpriced=COUNT,
        repeated_calls=pa.list_(pa.struct([pa.field("1", TEXT), pa.field("2", MONEY)])),
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
