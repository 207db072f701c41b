from __future__ import annotations

from typing import Final

from .latency import TIMED
from .parameter import BY, FILTERS, USER, WINDOW
from .query import COUNT, KEY, Asked, Query, columns

_TOLD: Final = "c.first_chunk_ns IS NOT NULL"


def _sql(asked: Asked) -> str:
    key, group = (f"c.{asked.by} AS key, ", " GROUP BY key ORDER BY calls DESC, key") if asked.by else ("", "")
    return (
        f"SELECT {key}count() AS calls FROM calls AS c"
        f" PREWHERE {asked.calls('c.')} WHERE c.outcome != 'error' AND {TIMED} AND {_TOLD}{group}"
    )


QUERY = Query(
    "How many calls the quantiles of the first chunk in 'latency' are of: a quantile of a few says little.",
    (*WINDOW, *FILTERS, USER, BY),
    (KEY, *columns(calls=COUNT)),
    _sql,
)
