from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .places import CALL, EVERY, IN_ALL, PER_PLACE, TIGHTLY_BOUNDED, beside, counted, newest, picked, selected, typed
from .query import COUNT, MILLISECONDS, MONEY, TEXT, Asked, Query, between

_SECONDS = pa.list_(pa.float32())
_FACTS = {
    **CALL,
    "parent_span_id": ("lower(hex(c.parent_span_id))", TEXT),
    "operation": ("c.operation", TEXT),
    "outcome": ("c.outcome", TEXT),
    "error_type": ("c.error_type", TEXT),
    "http_status": ("c.http_status", pa.uint16()),
    "finish_reason": ("c.finish_reason", TEXT),
    "stream": ("c.stream", pa.bool_()),
    "attempts": ("c.attempts", pa.uint16()),
    "usage_grade": ("c.usage_grade", TEXT),
    "service_tier": ("c.service_tier", TEXT),
    "duration_ms": ("c.duration_ns / 1e6", MILLISECONDS),
    "first_chunk_ms": ("c.first_chunk_ns / 1e6", MILLISECONDS),
    "input_tokens": ("c.input_tokens", COUNT),
    "output_tokens": ("c.output_tokens", COUNT),
    "reasoning_tokens": ("c.reasoning_tokens", COUNT),
    "cost_output_usd": ("c.cost_output", MONEY),
    "detailed": ("notEmpty(d.span_id) AND d.start != 0", pa.bool_()),
    **{name: (f"d.{name}", pa.uint32()) for name in ("input_chars", "output_chars", "max_tokens")},
    **{name: (f"d.{name}", pa.float32()) for name in ("temperature", "timeout_s")},
    "max_retries": ("d.max_retries", pa.uint16()),
    "attempt_statuses": ("d.attempt_statuses", pa.list_(pa.uint16())),
    **{f"attempt_{name}_s": (f"d.attempt_{name}_s", _SECONDS) for name in ("waits", "durations", "retry_after")},
    **{
        f"{kind}_{end}": (f"d.{kind}_{end}", COUNT) for kind in ("requests", "tokens") for end in ("limit", "remaining")
    },
    "output_type": ("d.output_type", TEXT),
    "schema_name": ("d.schema_name", TEXT),
    "validation": ("d.validation", TEXT),
    "validation_fields": ("d.validation_fields", pa.list_(TEXT)),
    "validation_errors": ("d.validation_errors", pa.list_(TEXT)),
    # What the library told beside the call, or the framework around it.
    "logical_ordinal": ("o.logical_ordinal", pa.uint16()),
    "fallback_from": ("o.fallback_from", TEXT),
    "fallback_to": ("o.fallback_to", TEXT),
    "checked": ("o.validation", TEXT),
    "checked_by": ("o.validation_by", TEXT),
    "checked_schema": ("o.schema_name", TEXT),
    "checked_fields": ("o.fields", pa.list_(TEXT)),
    "checked_errors": ("o.errors", pa.list_(TEXT)),
    "tries": ("r.tries", pa.uint16()),
}


_AROUND = (
    "SELECT w.trace_id AS trace_id, w.span_id AS span_id, max(w.tries) AS tries FROM call_notes AS w"
    f" WHERE {between('from', 'to', 'w.')} AND w.tries > 1 GROUP BY trace_id, span_id"
)


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {selected(_FACTS)} FROM calls AS c{counted(asked, EVERY)}"
        f" LEFT JOIN (SELECT * FROM call_details AS d WHERE {beside(asked, EVERY, 'd.')}) AS d"
        " ON d.span_id = c.span_id AND d.trace_id = c.trace_id"
        f" LEFT JOIN ({_own(asked)}) AS o ON o.call_id = c.span_id AND o.trace_id = c.trace_id"
        f" LEFT JOIN ({_AROUND}) AS r ON r.span_id = c.parent_span_id AND r.trace_id = c.trace_id"
        f" WHERE {asked.calls('c.')} AND {newest(asked, EVERY)} ORDER BY c.start DESC, c.span_id{TIGHTLY_BOUNDED}"
    )


def _own(asked: Asked) -> str:
    """One row per call: a check that failed stands for all of them."""
    return (
        "SELECT m.trace_id AS trace_id, m.call_id AS call_id, max(m.logical_ordinal) AS logical_ordinal,"
        " max(m.fallback_from) AS fallback_from, max(m.fallback_to) AS fallback_to,"
        " if(countIf(m.validation = 'failed') > 0, 'failed', max(m.validation)) AS validation,"
        " max(m.validation_by) AS validation_by, argMax(m.schema_name, m.validation = 'failed') AS schema_name,"
        " argMax(m.validation_fields, m.validation = 'failed') AS fields,"
        " argMax(m.validation_errors, m.validation = 'failed') AS errors"
        f" FROM call_notes AS m WHERE {between('from', 'to', 'm.')} AND m.call_id IN ({picked(asked, EVERY)})"
        " GROUP BY trace_id, call_id"
    )


QUERY = Query(
    "Calls with what the library saw around them, newest first, at most `limit` of each place; calls is how many "
    "there were at the place and days on how many UTC days, detailed whether the library was there: otherwise "
    "what it would have seen is empty. checked is what a check after the call found, by whom; tries what the framework "
    "around it made.",
    (*WINDOW, *FILTERS, PER_PLACE, IN_ALL),
    typed(_FACTS),
    _sql,
)
