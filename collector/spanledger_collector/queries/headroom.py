from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, SHARE, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT d.service AS service, d.provider AS provider, d.model AS model, count() AS calls,"
        f" {_limit('requests')}, {_left('requests')}, {_limit('tokens')}, {_left('tokens')}"
        f" FROM call_details AS d WHERE {asked.details('d.')} AND d.requests_limit + d.tokens_limit > 0"
        " GROUP BY service, provider, model"
        " ORDER BY least(ifNull(requests_left, 1), ifNull(tokens_left, 1)), service, provider, model"
    )


def _limit(what: str) -> str:
    return f"argMax(d.{what}_limit, d.start) AS {what}_limit"


def _left(what: str) -> str:
    """The least that was left; null where no reply told a limit."""
    left = f"minIf(d.{what}_remaining / d.{what}_limit, d.{what}_limit > 0)"
    return f"if(countIf(d.{what}_limit > 0) = 0, NULL, {left}) AS {what}_left"


QUERY = Query(
    "How close calls came to their provider's rate limits, as replies told: the newest limit, and the least share of "
    "requests and tokens that was ever left, by service, provider and model; closest first.",
    (*WINDOW, *FILTERS),
    columns(
        service=TEXT,
        provider=TEXT,
        model=TEXT,
        calls=COUNT,
        requests_limit=COUNT,
        requests_left=SHARE,
        tokens_limit=COUNT,
        tokens_left=SHARE,
    ),
    _sql,
)
