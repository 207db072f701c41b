from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, columns

_KEYS = "provider, model, service_tier, team, feature, part, price_before, price_after, grade_before, grade_after"


def _sql(asked: Asked) -> str:
    since, until = (f"fromUnixTimestamp64Nano({{{name}:Int64}}, 'UTC')" for name in ("from", "to"))
    booked = (
        "SELECT t.id AS id, toDateTime64(t.day, 6, 'UTC') AS day, toDateTime64(t.updated, 6, 'UTC') AS corrected,"
        " t.reason AS reason FROM restatements AS t FINAL WHERE t.closed_month AND t.state = 'applied'"
        f" AND t.day >= {since} AND t.day < {until}"
    )
    moved = (
        f"SELECT p.id AS id, {_KEYS}, sum(p.calls) AS calls, sum(p.tokens) AS tokens,"
        " sum(p.cost_before) AS cost_before_usd, sum(p.cost_after) AS cost_after_usd"
        f" FROM restated_parts AS p FINAL WHERE 1{asked.filters('p.')} GROUP BY id, {_KEYS}"
    )
    return (
        f"SELECT day, corrected, reason, {_KEYS}, calls, tokens, cost_before_usd, cost_after_usd"
        f" FROM ({booked}) AS b INNER JOIN ({moved}) AS m ON b.id = m.id ORDER BY day, corrected, {_KEYS}"
    )


QUERY = Query(
    "What pricing days of closed months again moved, by part of the bill: each charge as it stood and as it stands "
    "since. The changes of an open month are no corrections.",
    (*WINDOW, *FILTERS),
    columns(
        day=MICROSECOND,
        corrected=MICROSECOND,
        reason=TEXT,
        **dict.fromkeys(_KEYS.split(", "), TEXT),
        calls=COUNT,
        tokens=COUNT,
        cost_before_usd=MONEY,
        cost_after_usd=MONEY,
    ),
    _sql,
)
