from __future__ import annotations

from typing import Final

from .ledger import COST, COUNTS, ledger
from .parameter import BY, FILTERS, WINDOW, choice
from .query import COUNT, KEY, MONEY, TIME, Asked, Query, columns

_STARTS: Final = {"hour": "l.hour", "day": "toStartOfDay(l.hour)"}


def _sql(asked: Asked) -> str:
    key = f"l.{asked.by} AS key, " if asked.by else ""
    order = "bucket, key" if asked.by else "bucket"
    return (
        f"SELECT toDateTime64({_STARTS[asked['bucket']]}, 9, 'UTC') AS bucket, {key}{COUNTS}, {COST}"
        f" FROM {ledger(asked)} GROUP BY {order} ORDER BY {order}"
    )


QUERY = Query(
    "Calls, cost and tokens by UTC hour or day. A bucket without calls has no row; the first and last may be partial.",
    (*WINDOW, *FILTERS, choice("bucket", "Length of a bucket.", tuple(_STARTS), default="day"), BY),
    (
        *columns(bucket=TIME),
        KEY,
        *columns(
            calls=COUNT,
            failures=COUNT,
            cost_usd=MONEY,
            unpriced_calls=COUNT,
            input_tokens=COUNT,
            output_tokens=COUNT,
        ),
    ),
    _sql,
)
