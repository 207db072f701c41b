from __future__ import annotations

from .ledger import whole_and_edges
from .parameter import DIMENSIONS, FILTERS, WINDOW, count
from .query import COUNT, MONEY, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    names = ", ".join(DIMENSIONS)
    calls = (
        f"SELECT {', '.join(f'c.{name} AS {name}' for name in DIMENSIONS)}, toUInt64(1) AS calls,"
        " toUInt64(c.cost IS NOT NULL) AS priced_calls, ifNull(c.cost, toDecimal128(0, 18)) AS cost FROM calls AS c"
    )
    told = whole_and_edges(asked, f"SELECT {names}, calls, priced_calls, cost FROM calls_hourly", calls)
    # All dimensions of one reading: the sums of each are of a set that holds it alone.
    which = ", ".join(f"grouping(l.{name}) = 0, '{name}'" for name in DIMENSIONS[:-1])
    what = ", ".join(f"grouping(l.{name}) = 0, toString(l.{name})" for name in DIMENSIONS[:-1])
    last = DIMENSIONS[-1]
    return (
        f"SELECT multiIf({which}, '{last}') AS dimension, multiIf({what}, toString(l.{last})) AS name,"
        " sum(l.calls) AS calls, if(sum(l.priced_calls) = 0, NULL, sum(l.cost)) AS cost_usd"
        f" FROM ({' UNION ALL '.join(told)}) AS l"
        f" GROUP BY GROUPING SETS ({', '.join(f'(l.{name})' for name in DIMENSIONS)}) HAVING calls > 0 AND name != ''"
        " ORDER BY dimension, cost_usd DESC NULLS LAST, calls DESC, name LIMIT {limit:UInt32} BY dimension"
    )


QUERY = Query(
    "Which services, environments, providers, models, features and teams calls name; of each dimension those of most "
    "money first, and keys of which no cost is known last.",
    (*WINDOW, *FILTERS, count("limit", "Names of each dimension.", default=200, most=10_000)),
    columns(dimension=TEXT, name=TEXT, calls=COUNT, cost_usd=MONEY),
    _sql,
)
