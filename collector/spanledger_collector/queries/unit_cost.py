from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW
from .query import COUNT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT count() AS calls, avg(usd) AS mean_usd, varSamp(usd) AS variance"
        f" FROM (SELECT toFloat64(cost) AS usd FROM calls WHERE {asked.calls()} AND cost IS NOT NULL)"
        " HAVING calls > 1"
    )


QUERY = Query(
    "US dollars per call of known cost: mean and sample variance, for comparing two times. No row below two calls.",
    (*WINDOW, *FILTERS),
    columns(calls=COUNT, mean_usd=pa.float64(), variance=pa.float64()),
    _sql,
)
