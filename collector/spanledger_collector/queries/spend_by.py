from __future__ import annotations

from .ledger import COST, COUNTS, COVERAGE, ledger
from .parameter import FILTERS, REQUIRED_BY, WINDOW, count
from .query import COUNT, KEY, MONEY, SHARE, Asked, Query, columns


def _sql(asked: Asked) -> str:
    limit = "LIMIT {limit:UInt32}" if asked["limit"] else ""
    return (
        f"SELECT l.{asked.by} AS key, {COUNTS}, {COST}, {COVERAGE}, sum(l.cache_read_tokens) AS cache_read_tokens"
        f" FROM {ledger(asked)} GROUP BY key ORDER BY cost_usd DESC NULLS LAST, calls DESC, key {limit}"
    )


QUERY = Query(
    "Calls, cost and tokens by one dimension, most money first; keys of which no cost is known come last.",
    (
        *WINDOW,
        *FILTERS,
        REQUIRED_BY,
        count("limit", "Only the first rows; all when absent.", default=None, most=10_000),
    ),
    (
        KEY,
        *columns(
            calls=COUNT,
            failures=COUNT,
            cost_usd=MONEY,
            coverage=SHARE,
            unpriced_calls=COUNT,
            input_tokens=COUNT,
            output_tokens=COUNT,
            cache_read_tokens=COUNT,
        ),
    ),
    _sql,
)
