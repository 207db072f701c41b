from __future__ import annotations

import pyarrow as pa

from .parameter import FILTERS, WINDOW, choice
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, columns

_NARROWED = ("service", "provider", "model", "feature")


def _sql(asked: Asked) -> str:
    status = {"any": "1", "current": "status != 'cleared'"}[asked["status"]]
    # A place part that is empty means all of them: narrowing to one keeps it.
    places = "".join(f" AND ({name} = '' OR {name} IN {{{name}:Array(String)}})" for name in _NARROWED if asked[name])
    return (
        f"SELECT * FROM findings FINAL WHERE {status}{places}"
        " AND last_seen >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
        " AND first_seen < fromUnixTimestamp64Nano({to:Int64}, 'UTC')"
        " ORDER BY money_usd DESC NULLS LAST, last_seen DESC, detector, id"
    )


QUERY = Query(
    "What the detectors found and when it was first and last seen; money_usd is null where no saving is claimed. "
    "Findings seen at any time in the window, most money first.",
    (
        *WINDOW,
        *(parameter for parameter in FILTERS if parameter.name in _NARROWED),
        choice("status", "current leaves out what is no longer found.", ("current", "any"), default="current"),
    ),
    columns(
        id=TEXT,
        detector=TEXT,
        category=TEXT,
        status=TEXT,
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        call_site=TEXT,
        window_start=MICROSECOND,
        window_end=MICROSECOND,
        first_seen=MICROSECOND,
        last_seen=MICROSECOND,
        title=TEXT,
        why=TEXT,
        fix=TEXT,
        snippet=TEXT,
        verify=TEXT,
        confidence=TEXT,
        money_usd=MONEY,
        money_grade=TEXT,
        overlap_usd=MONEY,
        calls=COUNT,
        days=pa.uint16(),
        decided_at=MICROSECOND,
        decided_by=TEXT,
        decision_note=TEXT,
        decided_usd=MONEY,
        saved_usd_per_call=pa.float64(),
        saved_low=pa.float64(),
        saved_high=pa.float64(),
        trace_ids=pa.list_(TEXT),
    ),
    _sql,
)
