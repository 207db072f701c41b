from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, TEXT, Asked, Query, between, columns


def _sql(asked: Asked) -> str:
    seen = (
        "SELECT c.service AS service, c.service_version AS version, toDateTime64(min(c.start), 6, 'UTC') AS first_seen,"
        " count() AS calls, min(first_seen) OVER (PARTITION BY service) AS began"
        f" FROM calls AS c WHERE {between('week_before', 'to', 'c.')}{asked.filters('c.')} AND c.service_version != ''"
        " GROUP BY service, version"
    ).replace("{week_before:Int64}", "{from:Int64} - 604800000000000")
    return (
        f"SELECT service, version, first_seen, calls FROM ({seen})"
        " WHERE first_seen > began AND first_seen >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
        " ORDER BY first_seen, service, version"
    )


QUERY = Query(
    "Deploys, as the calls tell of them: versions of a service (service.version) that made their first call in the "
    "window and none in the week before it. A service's first version ever is no deploy.",
    (*WINDOW, *FILTERS),
    columns(service=TEXT, version=TEXT, first_seen=MICROSECOND, calls=COUNT),
    _sql,
)
