from __future__ import annotations

import pyarrow as pa

from .parameter import WINDOW
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, columns

_TEXTS = ("id", "state", "price_book", "reason")
_COUNTS = ("calls", "changed_calls", "priced_before", "priced_after")


def _sql(_: Asked) -> str:
    plain = ", ".join(f"r.{name} AS {name}" for name in (*_TEXTS, *_COUNTS, "updated", "closed_month"))
    bounds = (f"fromUnixTimestamp64Nano({{{name}:Int64}}, 'UTC')" for name in ("from", "to"))
    since, until = bounds
    return (
        f"SELECT toDateTime64(r.day, 6, 'UTC') AS day, {plain}, r.cost_before AS cost_before_usd,"
        " r.cost_after AS cost_after_usd, r.cost_after - r.cost_before AS difference_usd"
        f" FROM restatements AS r FINAL WHERE r.day >= {since} AND r.day < {until}"
        " AND r.state IN ('applied', 'started') ORDER BY day, updated"
    )


QUERY = Query(
    "Days that were priced again after the fact, and by how much their cost moved. A row that stays 'started' was "
    "interrupted: run the same reprice again.",
    WINDOW,
    columns(
        id=TEXT,
        day=MICROSECOND,
        updated=MICROSECOND,
        state=TEXT,
        closed_month=pa.bool_(),
        calls=COUNT,
        changed_calls=COUNT,
        cost_before_usd=MONEY,
        cost_after_usd=MONEY,
        difference_usd=MONEY,
        priced_before=COUNT,
        priced_after=COUNT,
        price_book=TEXT,
        reason=TEXT,
    ),
    _sql,
)
