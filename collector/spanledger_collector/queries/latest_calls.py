from __future__ import annotations

from typing import Final

import pyarrow as pa

from . import search
from .latency import TIMED
from .parameter import FILTERS, USER, WINDOW, count
from .query import COUNT, MILLISECONDS, MONEY, TEXT, TIME, Asked, Query, columns

_MOST: Final = 1000
_COLUMNS: Final = f"""
start, service, feature, model, provider, operation, outcome, error_type, attempts,
if({TIMED}, duration_ns / 1e6, NULL) AS duration_ms,
first_chunk_ns / 1e6 AS first_chunk_ms, input_tokens, output_tokens, cache_read_tokens, cost AS cost_usd, cost_grade,
cost_reason, usage_grade, if(code_file = '', '', concat(code_file, ':', toString(code_line))) AS call_site,
lower(hex(c.trace_id)) AS trace_id, lower(hex(c.span_id)) AS span_id"""


def _sql(asked: Asked) -> str:
    # The first term is the table's own order: the newest hours are read, and reading ends once the limit is reached.
    return (
        f"SELECT {_COLUMNS} FROM calls AS c {search.where(asked)}"
        " ORDER BY toStartOfHour(c.start) DESC, c.start DESC, c.span_id LIMIT {limit:UInt32}"
        f"{search.BOUND if asked['q'] else ''}"
    )


QUERY = Query(
    "Single calls, newest first, of all or of those a search finds.",
    (*WINDOW, *FILTERS, USER, search.Q, count("limit", f"How many, at most {_MOST}.", default=50, most=_MOST)),
    columns(
        start=TIME,
        service=TEXT,
        feature=TEXT,
        model=TEXT,
        provider=TEXT,
        operation=TEXT,
        outcome=TEXT,
        error_type=TEXT,
        attempts=pa.uint16(),
        duration_ms=MILLISECONDS,
        first_chunk_ms=MILLISECONDS,
        input_tokens=COUNT,
        output_tokens=COUNT,
        cache_read_tokens=COUNT,
        cost_usd=MONEY,
        cost_grade=TEXT,
        cost_reason=TEXT,
        usage_grade=TEXT,
        call_site=TEXT,
        trace_id=TEXT,
        span_id=TEXT,
    ),
    _sql,
)
