from __future__ import annotations

from typing import Final

from .parameter import FILTERS, WINDOW, count
from .places import BOUNDED
from .query import COUNT, MONEY, SHARE, TEXT, Asked, Query, columns, ended

_HERE: Final = "OVER (PARTITION BY service, provider, model)"
_AMONG: Final = "OVER (PARTITION BY service)"
_RANKED: Final = ("usd", "calls", "failures")


def _sql(asked: Asked) -> str:
    # Calls without a user count among the others; they are nobody's themselves.
    cells = (
        "SELECT c.service AS service, c.user AS user, c.provider AS provider, c.model AS model, count() AS own,"
        " countIf(c.outcome = 'error') AS failed, sum(ifNull(c.cost, toDecimal128(0, 18))) AS cost,"
        f" count(c.cost) AS known, sum(own) {_HERE} - own AS other, sum(failed) {_HERE} - failed AS other_failed"
        f" FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')}"
        " GROUP BY service, user, provider, model"
    )
    users = (
        "SELECT service, user, sum(own) AS calls, sum(failed) AS failures, sum(cost) AS usd, sum(known) AS priced,"
        " sum(other) AS others_calls, sum(own * other_failed / greatest(other, 1)) AS like_others"
        f" FROM ({cells}) WHERE user != '' GROUP BY service, user"
    )
    ranks = ", ".join(f"row_number() OVER (ORDER BY {name} DESC, service, user) AS by_{name}" for name in _RANKED)
    firsts = ", ".join(
        f"row_number() OVER (PARTITION BY service ORDER BY {name} DESC, user) AS first_{name}" for name in _RANKED[:2]
    )
    peaks = ", ".join(
        f"if(first_{name} > 1, max({name}) {_AMONG}, max(if(first_{name} > 1, {name}, 0)) {_AMONG}) AS others_{name}"
        for name in _RANKED[:2]
    )
    return (
        "SELECT service, user, calls, failures, if(priced = 0, NULL, usd) AS cost_usd, others_calls, like_others,"
        " users - 1 AS others, others_usd AS others_peak_usd, others_calls_most AS others_peak_calls FROM"
        f" (SELECT *, count() {_AMONG} AS users, {peaks.replace('others_calls', 'others_calls_most')}"
        f" FROM (SELECT *, {ranks}, {firsts} FROM ({users})))"
        " WHERE least(by_usd, by_calls, by_failures) <= {limit:UInt32} ORDER BY service, user" + BOUNDED
    )


QUERY = Query(
    "Users of a service that cost most, called most or failed most among the calls that ended in the window, so many "
    "of each; how many of their calls would have failed had they failed like others' at the same provider and model, "
    "and the most that one other user of the service did.",
    (*WINDOW, *FILTERS, count("limit", "Users of each order.", default=50, most=1000)),
    columns(
        service=TEXT,
        user=TEXT,
        calls=COUNT,
        failures=COUNT,
        cost_usd=MONEY,
        others_calls=COUNT,
        like_others=SHARE,
        others=COUNT,
        others_peak_usd=MONEY,
        others_peak_calls=COUNT,
    ),
    _sql,
)
