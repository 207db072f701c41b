from __future__ import annotations

from .ledger import whole_and_edges
from .parameter import DETAILED, DIMENSIONS, FILTERS, WINDOW
from .query import COUNT, SHARE, TEXT, Asked, Query, columns

KEYS = "service, provider, model"
TOLD = "c.requests_limit + c.tokens_limit > 0"


def _sql(asked: Asked) -> str:
    newest = ", ".join(f"max(h.{what}_limit).2 AS {what}_limit" for what in ("requests", "tokens"))
    least = ", ".join(f"min(h.{what}_left) AS {what}_left" for what in ("requests", "tokens"))
    return (
        f"SELECT {KEYS}, sum(h.calls) AS calls, {newest}, {least}"
        f" FROM ({hours(asked)}) AS h GROUP BY {KEYS}"
        " ORDER BY least(ifNull(requests_left, 1), ifNull(tokens_left, 1)), service, provider, model"
    )


def hours(asked: Asked) -> str:
    """The rollup knows whose calls they were, no more; where more is asked for, each call is read."""
    calls = (
        f"SELECT toStartOfHour(c.start) AS hour, {', '.join(f'c.{key} AS {key}' for key in KEYS.split(', '))},"
        f" toUInt64(1) AS calls, {_limit('requests')}, {_left('requests')}, {_limit('tokens')},"
        f" {_left('tokens')} FROM call_details AS c"
    )
    if any(asked.values.get(name) for name in DIMENSIONS if name not in DETAILED):
        return f"{calls} WHERE {asked.details('c.')} AND {TOLD}"
    rollup = (
        f"SELECT hour, {KEYS}, calls, requests_limit, requests_left, tokens_limit, tokens_left FROM headroom_hourly"
    )
    return " UNION ALL ".join(whole_and_edges(asked, rollup, calls, f" AND {TOLD}"))


def _limit(what: str) -> str:
    return f"(c.start, c.{what}_limit) AS {what}_limit"


def _left(what: str) -> str:
    """The share that was left; null where the reply told no limit."""
    return f"if(c.{what}_limit > 0, c.{what}_remaining / c.{what}_limit, NULL) AS {what}_left"


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
