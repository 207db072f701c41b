from __future__ import annotations

from typing import Final

from .parameter import BY, FILTERS, USER, WINDOW
from .query import COUNT, KEY, MILLISECONDS, Asked, Query, columns

# Whose duration is one that somebody waited: not of a batch, and of no call that its sender gives no length.
TIMED: Final = "service_tier != 'batch' AND duration_ns > 0"
# Column, place among the three levels, name of the answer's column.
_QUANTILES: Final = (
    ("duration_ns", 1, "p50_ms"),
    ("duration_ns", 2, "p95_ms"),
    ("duration_ns", 3, "p99_ms"),
    ("first_chunk_ns", 1, "first_chunk_p50_ms"),
    ("first_chunk_ns", 2, "first_chunk_p95_ms"),
)


def _sql(asked: Asked) -> str:
    key, group = (f"{asked.by} AS key, ", " GROUP BY key ORDER BY calls DESC, key") if asked.by else ("", "")
    return (
        f"SELECT {key}count() AS calls, {', '.join(_quantile(*quantile) for quantile in _QUANTILES)}"
        f" FROM calls PREWHERE {asked.calls()} WHERE outcome != 'error' AND {TIMED}{group}"
    )


def _quantile(column: str, place: int, name: str) -> str:
    """Milliseconds; NULL where no call has the column."""
    levels = f"quantilesExactInclusiveIf(0.5, 0.95, 0.99)(assumeNotNull({column}), {column} IS NOT NULL)"
    return f"if(count({column}) = 0, NULL, {levels}[{place}] / 1e6) AS {name}"


QUERY = Query(
    "How long calls took and how long until the first chunk of a stream, exact quantiles. Failed calls are left out, "
    "and those that nobody waited for: of a batch, or in the background.",
    (*WINDOW, *FILTERS, USER, BY),
    (
        KEY,
        *columns(
            calls=COUNT,
            p50_ms=MILLISECONDS,
            p95_ms=MILLISECONDS,
            p99_ms=MILLISECONDS,
            first_chunk_p50_ms=MILLISECONDS,
            first_chunk_p95_ms=MILLISECONDS,
        ),
    ),
    _sql,
)
