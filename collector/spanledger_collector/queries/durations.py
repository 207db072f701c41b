from __future__ import annotations

from typing import Final

import pyarrow as pa

from .anomaly_facts import bucket
from .latency import TIMED
from .parameter import FILTERS, USER, WINDOW
from .query import COUNT, MICROSECOND, Asked, Query, columns, ended

PER_E: Final = 200  # steps in which a duration grows by e: half a percent each


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {bucket()}, toInt32(floor(log(greatest(c.duration_ns, 1)) * {PER_E})) AS step, count() AS calls"
        f" FROM calls AS c WHERE {ended('from', 'to', 'c.')}{asked.filters('c.')} AND c.outcome != 'error'"
        f" AND {TIMED} GROUP BY bucket, step ORDER BY bucket, step"
    )


QUERY = Query(
    "How long calls took, by the five minutes in which they ended and steps of half a percent: nanoseconds from "
    f"exp(step / {PER_E}) on. Failed calls and those that nobody waited for are left out.",
    (*WINDOW, *FILTERS, USER),
    columns(bucket=MICROSECOND, step=pa.int32(), calls=COUNT),
    _sql,
)
