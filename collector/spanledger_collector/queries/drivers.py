from __future__ import annotations

from .parameter import FILTERS, USER, WINDOW
from .query import COUNT, MONEY, SHARE, TEXT, Asked, Query, columns, ended

_PLACES = (
    "[('user', c.user), ('conversation', c.conversation),"
    " ('call_site', if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))))]"
)


def _sql(asked: Asked) -> str:
    now = "c.start + toIntervalNanosecond(c.duration_ns) >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    counted = (
        f"SELECT p.1 AS dimension, p.2 AS value, countIf({now}) AS calls, count() - calls AS before,"
        f" sumIf(ifNull(c.cost, 0), {now}) AS cost_usd, sum(before) OVER (PARTITION BY dimension) AS all_before"
        f" FROM calls AS c ARRAY JOIN {_PLACES} AS p WHERE {ended('week_before', 'to', 'c.')}{asked.filters('c.')}"
        " AND p.2 != '' GROUP BY dimension, value"
    ).replace("{week_before:Int64}", "{from:Int64} - 604800000000000")
    return (
        "SELECT dimension, value, calls, if(all_before = 0, 0, before / all_before) AS usual_share, cost_usd"
        f" FROM ({counted}) WHERE calls > 0 ORDER BY dimension = 'call_site', dimension = 'conversation', calls DESC,"
        " value LIMIT 3 BY dimension"
    )


QUERY = Query(
    "Users, conversations and calling lines that made the most calls in the window, and their share of the calls in "
    "the week before it.",
    (*WINDOW, *FILTERS, USER),
    columns(dimension=TEXT, value=TEXT, calls=COUNT, usual_share=SHARE, cost_usd=MONEY),
    _sql,
)
