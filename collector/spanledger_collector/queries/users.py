from __future__ import annotations

from .parameter import BY, FILTERS, WINDOW
from .query import COUNT, KEY, MONEY, Asked, Query, columns


def _sql(asked: Asked) -> str:
    key, group = (f"c.{asked.by} AS key, ", " GROUP BY key ORDER BY key") if asked.by else ("", "")
    return (
        f"SELECT {key}uniqExact(c.user) AS users, count() AS calls,"
        " if(count(c.cost) = 0, NULL, sum(ifNull(c.cost, 0))) AS cost_usd"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND c.user != ''{group}"
    )


QUERY = Query(
    "Different users among the calls that name one, and what is known of those calls' cost.",
    (*WINDOW, *FILTERS, BY),
    (KEY, *columns(users=COUNT, calls=COUNT, cost_usd=MONEY)),
    _sql,
)
