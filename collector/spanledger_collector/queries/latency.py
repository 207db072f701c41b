from __future__ import annotations

from typing import Final

from .parameter import BY, FILTERS, USER, WINDOW
from .query import COUNT, KEY, MILLISECONDS, Asked, Query, columns

# Whose duration is one that somebody waited: not of a batch, and of no call that its sender gives no length.
TIMED: Final = "service_tier != 'batch' AND duration_ns > 0"
_WHOLE: Final = "quantilesExactInclusive(0.5, 0.95, 0.99)(duration_ns)"
_FIRST: Final = "quantilesExactInclusiveIf(0.5, 0.95)(assumeNotNull(first_chunk_ns), first_chunk_ns IS NOT NULL)"
# Name of the answer's column, all levels of what it is of, its place among them, and of how many calls they are.
_QUANTILES: Final = (
    ("p50_ms", _WHOLE, 1, "count()"),
    ("p95_ms", _WHOLE, 2, "count()"),
    ("p99_ms", _WHOLE, 3, "count()"),
    ("first_chunk_p50_ms", _FIRST, 1, "count(first_chunk_ns)"),
    ("first_chunk_p95_ms", _FIRST, 2, "count(first_chunk_ns)"),
)


def _sql(asked: Asked) -> str:
    key, group = (f"{asked.by} AS key, ", " GROUP BY key ORDER BY calls DESC, key") if asked.by else ("", "")
    return (
        f"SELECT {key}count() AS calls, {', '.join(_quantile(*quantile) for quantile in _QUANTILES)}"
        f" FROM calls PREWHERE {asked.calls()} WHERE outcome != 'error' AND {TIMED}{group}"
    )


def _quantile(name: str, levels: str, place: int, calls: str) -> str:
    """Milliseconds; NULL where no call has the column."""
    return f"if({calls} = 0, NULL, {levels}[{place}] / 1e6) AS {name}"


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
