from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from .parameter import FILTERS, WINDOW, hexadecimal
from .query import COUNT, MONEY, TEXT, TIME, Asked, Query, columns

_COUNTED = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "audio_output",
    "reasoning",
)
_TEXTS = (
    "service",
    "environment",
    "team",
    "feature",
    "provider",
    "server_address",
    "request_model",
    "model",
    "service_tier",
    "region",
    "outcome",
    "usage_grade",
    "usage_note",
    "cost_grade",
    "cost_reason",
    "price",
)
_MONEY = (
    "cost",
    "cost_low",
    "cost_high",
    *(f"cost_{part}" for part in ("input", "cache_read", "cache_write", "output", "other")),
)


def _sql(asked: Asked) -> str:
    names = ", ".join(f"c.{name} AS {name}" for name in (*_TEXTS, *_MONEY, *(f"{part}_tokens" for part in _COUNTED)))
    chosen = "".join(
        f" AND c.{name} = unhex({{{name}:String}})" for name in ("trace_id", "span_id") if asked.values.get(name)
    )
    return (
        "SELECT lower(hex(c.trace_id)) AS trace_id, lower(hex(c.span_id)) AS span_id, c.start AS start,"
        f" ifNull(c.output_tokens, 0) AS output_tokens, c.other_usage AS other_usage, {names}"
        f" FROM calls AS c WHERE {asked.calls('c.')}{chosen} ORDER BY c.start, c.span_id"
    )


QUERY = Query(
    "Single calls as the price book sees them: what was used, in disjoint parts, and what was charged for it.",
    (
        *WINDOW,
        *FILTERS,
        replace(hexadecimal("trace_id", "Only calls of this trace.", 32), required=False),
        replace(hexadecimal("span_id", "Only the call of this span.", 16), required=False),
    ),
    columns(
        trace_id=TEXT,
        span_id=TEXT,
        start=TIME,
        **dict.fromkeys(_TEXTS, TEXT),
        **{f"{part}_tokens": COUNT for part in _COUNTED},
        output_tokens=COUNT,
        other_usage=pa.map_(TEXT, COUNT),
        **dict.fromkeys(_MONEY, MONEY),
    ),
    _sql,
)
