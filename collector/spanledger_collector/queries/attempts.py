from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, MILLISECONDS, TEXT, Asked, Query, columns

_KEYS = "service, provider, model"


def _sql(asked: Asked) -> str:
    # Narrow columns are read of all calls; ids and what retrying took of the retried ones alone.
    return (
        f"SELECT {_KEYS}, sum(a.n) AS calls, sum(a.tries) AS attempts, sum(a.retried) AS retried_calls,"
        " sum(a.failed) AS failed_calls, sum(a.limited) AS rate_limited, sum(a.timed) AS timed_calls,"
        " sum(a.wasted) AS wasted_ms,"
        " arraySlice(arrayMap(one -> one.2, arrayReverseSort(groupArrayArray(a.most))), 1, 3) AS trace_ids"
        f" FROM ({_counted(asked)} UNION ALL {_timed(asked)}) AS a GROUP BY {_KEYS}"
        f" ORDER BY attempts - calls DESC, calls DESC, {_KEYS}"
    )


def _counted(asked: Asked) -> str:
    return (
        f"SELECT {_KEYS}, count() AS n, sum(c.attempts) AS tries, countIf(c.attempts > 1) AS retried,"
        " countIf(c.attempts > 1 AND c.outcome = 'error') AS failed, toUInt64(0) AS limited, toUInt64(0) AS timed,"
        " toFloat64(0) AS wasted, CAST([], 'Array(Tuple(UInt16, String))') AS most"
        f" FROM calls AS c WHERE {asked.calls('c.')} GROUP BY {_KEYS}"
    )


def _timed(asked: Asked) -> str:
    """The last attempt's duration is the call's own: what went before it, and the waits, are what retrying took."""
    took = "arraySum(d.attempt_waits_s) + arraySum(arrayPopBack(d.attempt_durations_s))"
    told = (
        f"SELECT d.span_id AS span_id, countEqual(d.attempt_statuses, 429) AS limited, 1000 * ({took}) AS wasted"
        f" FROM call_details AS d WHERE {asked.details('d.')} AND length(d.attempt_durations_s) > 1"
    )
    return (
        f"SELECT {_KEYS}, toUInt64(0) AS n, toUInt64(0) AS tries, toUInt64(0) AS retried, toUInt64(0) AS failed,"
        " sum(t.limited) AS limited, countIf(t.span_id != toFixedString('', 8)) AS timed, sum(t.wasted) AS wasted,"
        " arrayMap(one -> (one.1, lower(hex(one.2))),"
        " arraySlice(arrayReverseSort(groupArray(3)((c.attempts, c.trace_id))), 1, 3)) AS most"
        f" FROM calls AS c LEFT JOIN ({told}) AS t ON t.span_id = c.span_id"
        f" WHERE {asked.calls('c.')} AND c.attempts > 1 GROUP BY {_KEYS}"
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
