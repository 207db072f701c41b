"""Whether a fix saved what it promised: cost per call at the finding's place, before and after, with an interval."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from spanledger_collector.detect.finding import Row

SPAN: Final = timedelta(days=7)  # before the fix
MIN_CALLS: Final = 20  # on each side
Z95: Final = 1.96
_PLACE: Final = ("service", "feature", "provider", "model")


def verified(row: Row, rows: Callable[[str, Mapping[str, Sequence[str]]], Sequence[Row]], now: datetime) -> Row | None:
    """The row of a fixed finding with what was saved per call; None as long as that cannot be told from chance."""
    at: datetime = row["decided_at"]
    place = {name: [row[name]] for name in _PLACE if row[name]}
    sides = [
        _only(rows("unit_cost", place | {"from": [start.isoformat()], "to": [end.isoformat()]}))
        for start, end in ((at - SPAN, at), (at, now))
    ]
    if any(side is None or side["calls"] < MIN_CALLS for side in sides):
        return None
    saved, margin = _difference(sides[0], sides[1])
    if saved - margin <= 0:
        return None
    return row | {
        "status": "verified",
        "updated": now,
        "saved_usd_per_call": saved,
        "saved_low": saved - margin,
        "saved_high": saved + margin,
    }


def _only(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def _difference(before: Any, after: Any) -> tuple[float, float]:
    """Of the means, with half of its 95 % interval (Welch)."""
    spread = sum(side["variance"] / side["calls"] for side in (before, after))
    return before["mean_usd"] - after["mean_usd"], Z95 * math.sqrt(spread)
