from __future__ import annotations

from .ledger import ledger
from .parameter import BY, FILTERS, WINDOW
from .query import COUNT, KEY, MONEY, Asked, Query, columns


def _sql(asked: Asked) -> str:
    key, group = ("key, ", " GROUP BY key") if asked.by else ("", "")
    ordered = f"{group} HAVING calls > 0 ORDER BY key" if asked.by else ""
    parts = " UNION ALL ".join((_named(asked, group), *_money(asked, group)))
    return (
        f"SELECT {key}sum(p.users) AS users, sum(p.calls) AS calls, if(sum(p.priced) = 0, NULL, sum(p.usd)) AS cost_usd"
        f" FROM ({parts}) AS p{ordered}"
    )


def _key(asked: Asked, prefix: str) -> str:
    return f"{prefix}.{asked.by} AS key, " if asked.by else ""


def _named(asked: Asked, group: str) -> str:
    return (
        f"SELECT {_key(asked, 'c')}uniqExact(cityHash64(c.user)) AS users, count() AS calls, toInt64(0) AS priced,"
        f" toDecimal128(0, 18) AS usd FROM calls AS c PREWHERE {asked.calls('c.')} WHERE c.user != ''{group}"
    )


def _money(asked: Asked, group: str) -> tuple[str, str]:
    """Money is wide: where the sums tell of the same calls, it is read of those alone that name no user, and taken
    off the sums.
    """
    where = asked.calls("c.")
    same = f"(SELECT (SELECT sum(l.calls) FROM {ledger(asked)}) = (SELECT count() FROM calls AS c WHERE {where}))"
    sums = (
        f"SELECT {_key(asked, 'l')}0, 0, toInt64(sum(l.priced_calls)), sum(l.cost)"
        f" FROM {ledger(asked)} WHERE {same}{group}"
    )
    read = (
        f"SELECT {_key(asked, 'c')}0, 0, if({same}, -1, 1) * toInt64(count(c.cost)),"
        f" if({same}, -1, 1) * sum(ifNull(c.cost, 0)) FROM calls AS c"
        f" PREWHERE if({same}, c.user = '', c.user != '') AND {where}{group}"
    )
    return sums, read


QUERY = Query(
    "Different users among the calls that name one, and what is known of those calls' cost.",
    (*WINDOW, *FILTERS, BY),
    (KEY, *columns(users=COUNT, calls=COUNT, cost_usd=MONEY)),
    _sql,
)
