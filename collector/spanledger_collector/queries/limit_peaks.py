from __future__ import annotations

import pyarrow as pa

from .headroom import KEYS, TOLD, hours
from .parameter import FILTERS, WINDOW
from .places import BOUNDED
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, columns

_CLOSEST = "least(ifNull({0}requests_left, 1), ifNull({0}tokens_left, 1))"
_LEFT = "if(c.{0}_limit > 0, c.{0}_remaining / c.{0}_limit, 1)"
_EXAMPLES = 3


def _sql(asked: Asked) -> str:
    peaks = ", ".join(
        f"max(h.{what}_limit).2 AS {what}_limit,"
        f" max(toUInt64(ifNull(1 - h.{what}_left, 0) * (h.{what}_limit).2)) AS {what}_used"
        for what in ("requests", "tokens")
    )
    days = (
        f"SELECT {KEYS}, toDateTime64(toStartOfDay(h.hour), 6, 'UTC') AS day, sum(h.calls) AS calls, {peaks}"
        f" FROM ({hours(asked)}) AS h GROUP BY {KEYS}, day"
    )
    return (
        f"SELECT {KEYS}, day, calls, requests_limit, requests_used, tokens_limit, tokens_used, trace_ids"
        f" FROM ({days}) AS p LEFT JOIN ({_shown(asked)}) AS e USING ({KEYS}) ORDER BY {KEYS}, day{BOUNDED}"
    )


def _shown(asked: Asked) -> str:
    """The closest calls, looked for in the closest hours alone."""
    closest = (
        f"SELECT hour, {KEYS} FROM ({hours(asked)}) AS n GROUP BY hour, {KEYS}"
        f" ORDER BY min({_CLOSEST.format('n.')}) LIMIT {_EXAMPLES} BY {KEYS}"
    )
    keys = ", ".join(f"c.{key} AS {key}" for key in KEYS.split(", "))
    calls = (
        f"SELECT {keys}, c.trace_id AS trace_id FROM call_details AS c WHERE {asked.details('c.')} AND {TOLD}"
        f" AND (toStartOfHour(c.start), c.service, c.provider, c.model) IN ({closest})"
        f" ORDER BY least({_LEFT.format('requests')}, {_LEFT.format('tokens')}), c.start DESC"
        f" LIMIT {_EXAMPLES} BY c.service, c.provider, c.model"
    )
    return f"SELECT {KEYS}, groupArray(lower(hex(trace_id))) AS trace_ids FROM ({calls}) GROUP BY {KEYS}"


QUERY = Query(
    "How much of a provider's rate limits was in use at each UTC day's busiest moment, as replies told, by service, "
    "provider and model; trace_ids are of the calls that came closest in the window.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        provider=TEXT,
        model=TEXT,
        day=MICROSECOND,
        calls=COUNT,
        requests_limit=COUNT,
        requests_used=COUNT,
        tokens_limit=COUNT,
        tokens_used=COUNT,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
