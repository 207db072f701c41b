from __future__ import annotations

from .parameter import FILTERS, WINDOW, count
from .places import BOUNDED, PLACE, selected, typed
from .query import COUNT, TIME, Asked, Query

_PLACE = ", ".join(PLACE)
_BUCKET = "toStartOfMinute(c.start)"
_NOBODY = "c.parent_span_id = unhex('0000000000000000') AND NOT c.stream"


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {_PLACE}, min(first) AS start, max(last) AS ended, sum(made) AS calls"
        f" FROM ({_numbered(asked)}) AS r GROUP BY {_PLACE}, run HAVING calls >= {{calls:UInt32}}"
        f" ORDER BY start DESC, {_PLACE} LIMIT {{limit:UInt32}} BY {_PLACE} LIMIT 20000{BOUNDED}"
    )


def _numbered(asked: Asked) -> str:
    """Minutes with calls; a run begins where the minutes before had none."""
    so_far = f"PARTITION BY {_PLACE} ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    return (
        f"SELECT {_PLACE}, first, last, made, sum(begins) OVER ({so_far}) AS run FROM ("
        f"SELECT *, toUInt64(first > lagInFrame(last, 1, toDateTime64(0, 9, 'UTC')) OVER ({so_far})"
        f" + toIntervalSecond({{gap_s:UInt32}})) AS begins FROM ({_minutes(asked)}))"
    )


def _minutes(asked: Asked) -> str:
    return (
        f"SELECT {selected(PLACE)}, {_BUCKET} AS minute, min(c.start) AS first, max(c.start) AS last, count() AS made"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND {_NOBODY} GROUP BY {_PLACE}, minute"
    )


QUERY = Query(
    "Runs of calls that nobody waits for (no span around them, not streamed) by place: at least `calls` of them with "
    "no more than gap_s seconds between one and the next, and longer between runs; the newest `limit` of each place.",
    (
        *WINDOW,
        *FILTERS,
        count("calls", "Calls of a run.", default=5, most=1_000_000),
        count("gap_s", "Seconds.", default=300, most=86_400),
        count("limit", "Runs per place.", default=200, most=10_000),
    ),
    typed(PLACE, start=TIME, ended=TIME, calls=COUNT),
    _sql,
)
