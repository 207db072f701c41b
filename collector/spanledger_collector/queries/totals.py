from __future__ import annotations

from .ledger import COST, COUNTS, COVERAGE, ledger
from .parameter import FILTERS, USER, WINDOW
from .query import COUNT, MONEY, SHARE, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {COUNTS}, {COST}, {COVERAGE}, sum(l.attempts) AS attempts,"
        f" sum(l.cache_read_tokens) AS cache_read_tokens FROM {ledger(asked)}"
    )


QUERY = Query(
    "One row over all calls asked for. cost_usd sums the known costs; coverage is the share of calls it speaks for.",
    (*WINDOW, *FILTERS, USER),
    columns(
        calls=COUNT,
        failures=COUNT,
        input_tokens=COUNT,
        output_tokens=COUNT,
        cost_usd=MONEY,
        coverage=SHARE,
        unpriced_calls=COUNT,
        attempts=COUNT,
        cache_read_tokens=COUNT,
    ),
    _sql,
)
