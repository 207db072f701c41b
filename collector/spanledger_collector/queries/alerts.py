from __future__ import annotations

import pyarrow as pa

from .parameter import WINDOW
from .query import COUNT, MICROSECOND, MONEY, SHARE, TEXT, Asked, Query, columns

_ACKNOWLEDGED = (
    "SELECT fingerprint AS f, since AS s, author AS acknowledged_by, note AS acknowledged_note, updated AS at"
    " FROM acknowledgements FINAL"
)
_SQL = (
    "SELECT a.*, k.acknowledged_by, k.acknowledged_note, if(k.f = '', NULL, k.at) AS acknowledged_at"
    f" FROM (SELECT * FROM alerts FINAL) AS a LEFT JOIN ({_ACKNOWLEDGED}) AS k ON k.f = a.fingerprint AND k.s = a.since"
    " WHERE state != 'inactive'"
    " AND (resolved_at IS NULL OR resolved_at >= fromUnixTimestamp64Nano({from:Int64}, 'UTC'))"
    " AND since < fromUnixTimestamp64Nano({to:Int64}, 'UTC')"
    " ORDER BY state = 'resolved', since DESC, fingerprint"
)


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Incidents that were on at any time in the window: pending, firing, then resolved. seen and expected are in unit, "
    "over window_minutes; basis is what the rule compares; cost_usd is what the place has cost since it began.",
    WINDOW,
    columns(
        fingerprint=TEXT,
        since=MICROSECOND,
        rule=TEXT,
        labels=pa.map_(TEXT, TEXT),
        state=TEXT,
        fired_at=MICROSECOND,
        resolved_at=MICROSECOND,
        last_failing=MICROSECOND,
        calls=COUNT,
        seen=SHARE,
        expected=SHARE,
        summary=TEXT,
        error_types=pa.list_(TEXT),
        error_calls=pa.list_(COUNT),
        trace_ids=pa.list_(TEXT),
        kind=TEXT,
        unit=TEXT,
        window_minutes=pa.uint32(),
        basis=TEXT,
        owner=TEXT,
        runbook_url=TEXT,
        cost_usd=MONEY,
        deploys=pa.list_(TEXT),
        acknowledged_by=TEXT,
        acknowledged_at=MICROSECOND,
        acknowledged_note=TEXT,
    ),
    _sql,
)
