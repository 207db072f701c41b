from __future__ import annotations

import pyarrow as pa

from spanledger import semconv

from .parameter import FILTERS, WINDOW
from .query import COUNT, MILLISECONDS, TEXT, Asked, Query, between, columns

_ATTRIBUTE = "JSONExtract(s.attributes['{}'], 'Array({})')"
_STATUSES = _ATTRIBUTE.format(semconv.ATTEMPT_STATUSES, "UInt16")
_DURATIONS = _ATTRIBUTE.format(semconv.ATTEMPT_DURATIONS, "Float64")
_WAITS = _ATTRIBUTE.format(semconv.ATTEMPT_WAITS, "Float64")


def _sql(asked: Asked) -> str:
    # The last attempt's duration is the call's own: what went before it, and the waits, are what retrying took.
    return (
        "SELECT c.service AS service, c.provider AS provider, c.model AS model, count() AS calls,"
        " sum(c.attempts) AS attempts, countIf(c.attempts > 1) AS retried_calls,"
        " countIf(c.attempts > 1 AND c.outcome = 'error') AS failed_calls, sum(t.rate_limited) AS rate_limited,"
        " sum(t.timed) AS timed_calls, sum(t.wasted_ms) AS wasted_ms,"
        " arrayMap(one -> one.2, arrayReverseSort(groupArrayIf(3)((c.attempts, lower(hex(c.trace_id))),"
        " c.attempts > 1))) AS trace_ids"
        f" FROM calls AS c LEFT JOIN ({_timed(asked)}) AS t ON t.trace_id = c.trace_id AND t.span_id = c.span_id"
        f" WHERE {asked.calls('c.')} GROUP BY service, provider, model"
        " ORDER BY attempts - calls DESC, calls DESC, service, provider, model"
    )


def _timed(asked: Asked) -> str:
    # Attributes are the widest column: only those of retried calls are read.
    return (
        "SELECT s.trace_id AS trace_id, s.span_id AS span_id, 1 AS timed,"
        f" countEqual({_STATUSES}, 429) AS rate_limited,"
        f" 1000 * (arraySum({_WAITS}) + arraySum(arrayPopBack({_DURATIONS}))) AS wasted_ms"
        f" FROM spans AS s WHERE {between('from', 'to', 's.')}"
        f" AND s.span_id IN (SELECT r.span_id FROM calls AS r WHERE {asked.calls('r.')} AND r.attempts > 1)"
        f" AND length({_DURATIONS}) > 1"
    )


QUERY = Query(
    "HTTP requests per logical call by service, provider and model, most repeats first. wasted_ms is the time that "
    "failed requests and the waits after them took, known for timed_calls of the retried_calls.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        provider=TEXT,
        model=TEXT,
        calls=COUNT,
        attempts=COUNT,
        retried_calls=COUNT,
        failed_calls=COUNT,
        rate_limited=COUNT,
        timed_calls=COUNT,
        wasted_ms=MILLISECONDS,
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
