from __future__ import annotations

import pyarrow as pa

from .ledger import whole_and_edges
from .parameter import FILTERS, WINDOW
from .query import COUNT, TEXT, TIME, Asked, Query, columns

_KEYS = "service, environment"


def _sql(asked: Asked) -> str:
    # Moments are read of the first and last hours alone.
    ends = "SELECT h.service AS service, h.environment AS environment, min(h.hour) AS first, max(h.hour) AS last"
    return (
        "SELECT n.service AS service, n.environment AS environment, n.calls AS calls, m.first_seen AS first_seen,"
        " m.last_seen AS last_seen, n.made_up > 0 AS demo"
        f" FROM (SELECT {_KEYS}, sum(h.calls) AS calls, sum(h.made_up) AS made_up FROM ({_hours(asked)}) AS h"
        f" GROUP BY {_KEYS}) AS n INNER JOIN (SELECT {_KEYS}, min(c.start) AS first_seen, max(c.start) AS last_seen"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND (toStartOfHour(c.start), c.service) IN"
        f" (SELECT arrayJoin([e.first, e.last]), e.service FROM ({ends} FROM ({_hours(asked)}) AS h GROUP BY {_KEYS})"
        f" AS e) GROUP BY {_KEYS}) AS m ON m.service = n.service AND m.environment = n.environment"
        " ORDER BY service, environment"
    )


def _hours(asked: Asked) -> str:
    """Hours in which there are calls: a rollup also keeps what was taken back."""
    told = whole_and_edges(
        asked,
        f"SELECT hour, {_KEYS}, calls, demo_calls FROM calls_hourly",
        "SELECT toStartOfHour(c.start) AS hour, c.service AS service, c.environment AS environment,"
        " toUInt64(1) AS calls, toUInt64(c.demo) AS demo_calls FROM calls AS c",
    )
    return (
        f"SELECT l.hour AS hour, {', '.join(f'l.{key} AS {key}' for key in _KEYS.split(', '))}, sum(l.calls) AS calls,"
        f" sum(l.demo_calls) AS made_up FROM ({' UNION ALL '.join(told)}) AS l GROUP BY hour, {_KEYS} HAVING calls > 0"
    )


QUERY = Query(
    "Which services of which environments made calls. demo: at least one of the calls is made-up traffic.",
    (*WINDOW, *FILTERS),
    columns(service=TEXT, environment=TEXT, calls=COUNT, first_seen=TIME, last_seen=TIME, demo=pa.bool_()),
    _sql,
)
