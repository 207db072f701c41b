from __future__ import annotations

from typing import Final

from .parameter import FILTERS, WINDOW, choice
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, columns, ended

_STARTS: Final = {"minute": "toStartOfMinute", "hour": "toStartOfHour"}


def _sql(asked: Asked) -> str:
    start = f"toDateTime64({_STARTS[asked['bucket']]}(c.start + toIntervalNanosecond(c.duration_ns)), 6, 'UTC')"
    return (
        f"SELECT {start} AS bucket, c.service AS service, c.model AS model, count() AS calls,"
        f" countIf(c.outcome = 'error') AS failures FROM calls AS c WHERE {ended('from', 'to', 'c.')}"
        f"{asked.filters('c.')} GROUP BY bucket, service, model ORDER BY bucket, service, model"
    )


QUERY = Query(
    "Calls and failures by service, model and the minute or hour in which the call ended: a call that fails after a "
    "long wait counts when it fails. The window is on the end too. A bucket without calls has no row.",
    (*WINDOW, *FILTERS, choice("bucket", "Length of a bucket.", tuple(_STARTS), default="minute")),
    columns(bucket=MICROSECOND, service=TEXT, model=TEXT, calls=COUNT, failures=COUNT),
    _sql,
)
