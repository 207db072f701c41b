from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, count
from .places import ANSWERED, CLAIMS, PLACE, TIGHTLY_BOUNDED, beside, counted, newest, selected, typed
from .query import COUNT, MONEY, TEXT, Asked, Query

_PLACE = ", ".join(PLACE)


def _sql(asked: Asked) -> str:
    # A repeat is an answered request of which an equal one was answered at most `within_s` before it.
    return (
        f"SELECT {_PLACE}, any(r.of) AS calls, count() AS read, any(r.on) AS call_days, countIf(repeated) AS repeats,"
        " uniqExactIf(request, repeated) AS requests, uniqExactIf(toDate(start), repeated) AS days,"
        " max(temperature) AS temperature, sumIf(cost, repeated) AS repeated_usd,"
        " countIf(repeated AND isNull(cost)) AS unpriced,"
        " groupArrayIf({claims:UInt32})((span_id, ifNull(cost, toDecimal128(0, 18))), repeated AND cost > 0)"
        " AS repeated_calls,"
        " groupArrayIf(3)(trace_id, repeated) AS trace_ids"
        f" FROM ({_repeats(asked)}) AS r GROUP BY {_PLACE} HAVING repeats > 0"
        f" ORDER BY repeated_usd DESC NULLS LAST, repeats DESC, service, model, call_site{TIGHTLY_BOUNDED}"
    )


def _repeats(asked: Asked) -> str:
    # The newest calls of a place lie next to each other in time, so what repeats among them is seen.
    return (
        f"SELECT {selected(PLACE)}, c.start AS start, n.calls AS of, n.days AS on,"
        " c.cost AS cost, lower(hex(c.span_id)) AS span_id, lower(hex(c.trace_id)) AS trace_id, f.request AS request,"
        " d.temperature AS temperature,"
        " lagInFrame(toNullable(c.start)) OVER (PARTITION BY c.service, f.request ORDER BY c.start"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last,"
        " notEmpty(f.request) AND isNotNull(last) AND c.start - last <= {within_s:UInt32} AS repeated"
        f" FROM calls AS c{counted(asked, ANSWERED)} LEFT JOIN (SELECT h.span_id AS span_id, h.trace_id AS trace_id,"
        f" h.request AS request FROM fingerprints AS h WHERE {beside(asked, ANSWERED, 'h.')})"
        " AS f ON c.span_id = f.span_id AND c.trace_id = f.trace_id"
        f" LEFT JOIN (SELECT t.span_id AS span_id, t.temperature AS temperature FROM call_details AS t"
        f" WHERE {beside(asked, ANSWERED, 't.')}) AS d ON d.span_id = c.span_id"
        f" WHERE {asked.calls('c.')} AND {newest(asked, ANSWERED)}"
    )


QUERY = Query(
    "Answered requests that an equal one (by fingerprint: model, settings, tools and whole prompt) had been answered "
    "for at most within_s seconds before, by place, among its newest calls: read is how many of its calls were looked "
    "at. repeated_calls are at most `claims` of them with their cost.",
    (
        *WINDOW,
        *FILTERS,
        count("within_s", "Seconds.", default=3600, most=86_400),
        count("claims", "Calls listed per place.", default=5000, most=50_000),
        count("limit", "Calls read per place.", default=10_000, most=50_000),
        count("most", "Calls read of all places together; the newest.", default=50_000, most=500_000),
    ),
    typed(
        PLACE,
        calls=COUNT,
        read=COUNT,
        call_days=pa.uint16(),
        repeats=COUNT,
        requests=COUNT,
        days=COUNT,
        temperature=pa.float32(),
        repeated_usd=MONEY,
        unpriced=COUNT,
        repeated_calls=CLAIMS,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
