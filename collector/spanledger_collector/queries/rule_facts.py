from __future__ import annotations

from .anomaly_facts import bucket
from .parameter import FILTERS, USER, WINDOW
from .query import COUNT, MICROSECOND, MONEY, Asked, Query, columns, ended


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {bucket()}, count() AS calls, countIf(c.outcome = 'error') AS failures,"
        " countIf(c.cost IS NOT NULL) AS priced_calls, sum(ifNull(c.cost, toDecimal128(0, 18))) AS known_cost_usd"
        f" FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')} GROUP BY bucket ORDER BY bucket"
    )


QUERY = Query(
    "What own rules are tried on: the calls that ended in each five minutes. Five minutes without a call are left out.",
    (*WINDOW, *FILTERS, USER),
    columns(bucket=MICROSECOND, calls=COUNT, failures=COUNT, priced_calls=COUNT, known_cost_usd=MONEY),
    _sql,
)
