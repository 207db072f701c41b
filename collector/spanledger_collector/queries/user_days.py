from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, USER, WINDOW
from .places import BOUNDED
from .query import COUNT, MONEY, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    hours = (
        "SELECT c.service AS service, c.user AS user, toStartOfHour(c.start) AS hour, count() AS calls,"
        " countIf(c.outcome = 'error') AS failures, sum(ifNull(c.cost, toDecimal128(0, 18))) AS usd"
        f" FROM calls AS c PREWHERE {asked.calls('c.')} WHERE c.user != '' GROUP BY service, user, hour"
    )
    return (
        "SELECT service, user, toDate32(hour) AS day, sum(h.calls) AS calls, sum(h.failures) AS failures,"
        f" max(h.calls) AS peak_calls, max(h.usd) AS peak_usd FROM ({hours}) AS h"
        f" GROUP BY service, user, day ORDER BY service, user, day{BOUNDED}"
    )


QUERY = Query(
    "What users did by service and UTC day, and in the busiest and the dearest hour of it. Known cost alone.",
    (*WINDOW, *FILTERS, USER),
    columns(service=TEXT, user=TEXT, day=pa.date32(), calls=COUNT, failures=COUNT, peak_calls=COUNT, peak_usd=MONEY),
    _sql,
)
