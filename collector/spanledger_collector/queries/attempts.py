from __future__ import annotations

import pyarrow as pa

from .ledger import whole_and_edges
from .parameter import FILTERS, WINDOW
from .query import COUNT, MILLISECONDS, TEXT, Asked, Query, between, columns, near

_KEYS = "service, provider, model"
_EXAMPLES = 3


def _sql(asked: Asked) -> str:
    # Of all calls sums are read; of the retried ones what it took; ids of those in their newest hours.
    return (
        f"SELECT {_KEYS}, sum(a.n) AS calls, sum(a.tries) AS attempts, sum(a.retried) AS retried_calls,"
        " sum(a.failed) AS failed_calls, sum(a.limited) AS rate_limited, sum(a.timed) AS timed_calls,"
        " sum(a.wasted) AS wasted_ms, groupArrayArray(a.most) AS trace_ids"
        f" FROM ({_counted(asked)} UNION ALL {_timed(asked)} UNION ALL {_shown(asked)}) AS a GROUP BY {_KEYS}"
        f" HAVING calls > 0 ORDER BY attempts - calls DESC, calls DESC, {_KEYS}"
    )


def _row(**told: str) -> str:
    """What one part of the sums knows; the others know the rest."""
    nothing = {**dict.fromkeys(("n", "tries", "retried", "failed", "limited", "timed"), "toUInt64(0)")}
    nothing |= {"wasted": "toFloat64(0)", "most": "CAST([], 'Array(String)')"}
    return f"SELECT {_KEYS}, {', '.join(f'{sql} AS {name}' for name, sql in (nothing | told).items())}"


def _hours(asked: Asked) -> str:
    told = whole_and_edges(
        asked,
        f"SELECT hour, {_KEYS}, outcome, calls, attempts, retried_calls FROM calls_hourly",
        "SELECT toStartOfHour(c.start) AS hour, c.service AS service, c.provider AS provider, c.model AS model,"
        " c.outcome AS outcome, toUInt64(1) AS calls, toUInt64(c.attempts) AS attempts,"
        " toUInt64(c.attempts > 1) AS retried_calls FROM calls AS c",
    )
    return f"({' UNION ALL '.join(told)}) AS l"


def _counted(asked: Asked) -> str:
    failed = "sumIf(l.retried_calls, l.outcome = 'error')"
    sums = {"n": "sum(l.calls)", "tries": "sum(l.attempts)", "retried": "sum(l.retried_calls)", "failed": failed}
    return f"{_row(**sums)} FROM {_hours(asked)} GROUP BY {_KEYS}"


def _timed(asked: Asked) -> str:
    """The last attempt's duration is the call's own: what went before it, and the waits, are what retrying took."""
    told = (
        "SELECT reinterpretAsUInt64(d.span_id) AS id, d.limited AS limited, d.wasted_ms AS wasted_ms, 1 AS told"
        f" FROM call_repeats AS d WHERE {between('from', 'to', 'd.')}"
    )
    sums = {"limited": "sum(t.limited)", "timed": "sum(t.told)", "wasted": "sum(t.wasted_ms)"}
    return (
        f"{_row(**sums)} FROM calls AS c INNER JOIN ({told}) AS t ON t.id = reinterpretAsUInt64(c.span_id)"
        f" WHERE {near('from', 'to', 'c.')}{asked.filters('c.')} AND c.attempts > 1 GROUP BY {_KEYS}"
    )


def _shown(asked: Asked) -> str:
    hours = f"arraySlice(arrayReverseSort(groupArray(h.hour)), 1, {_EXAMPLES})"
    # Of an hour whose retried calls were all taken back there is nothing to show.
    told = f"SELECT l.hour AS hour, {_KEYS} FROM {_hours(asked)} GROUP BY hour, {_KEYS} HAVING sum(l.retried_calls) > 0"
    newest = f"SELECT arrayJoin({hours}) AS hour, h.service, h.model FROM ({told}) AS h GROUP BY {_KEYS}"
    most = f"arraySlice(arrayReverseSort(groupArray((c.attempts, c.start, c.trace_id))), 1, {_EXAMPLES})"
    return (
        f"{_row(most=f'arrayMap(one -> lower(hex(one.3)), {most})')} FROM calls AS c WHERE {asked.calls('c.')}"
        f" AND c.attempts > 1 AND (toStartOfHour(c.start), c.service, c.model) IN ({newest}) GROUP BY {_KEYS}"
    )


QUERY = Query(
    "HTTP requests per logical call by service, provider and model, most repeats first. wasted_ms is the time that "
    "failed requests and the waits after them took, known for timed_calls of the retried_calls; trace_ids are of the "
    "newest hours with such calls.",
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
