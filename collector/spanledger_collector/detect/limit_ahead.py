"""D21b: the busiest moment of each day comes closer to the provider's rate limit, which it reaches within weeks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, groupby
from operator import itemgetter
from statistics import median
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.finding import Ask, Detector, Evidence, Finding, Fix, Place, Row, Window
from spanledger_collector.detect.headroom import KINDS, LEFT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

WEEK: Final = 7
MIN_DAYS: Final = 14
SURE_DAYS: Final = 21
MOST_AHEAD: Final = 30  # days
LASTING: Final = 0.5  # of the trend, in the last week: what rose once and stays is no trend
Z95: Final = 1.96
_PLACE: Final = itemgetter("service", "provider", "model")


@dataclass(frozen=True, slots=True)
class Trend:
    """Per day, of the busiest moments; ``level`` is that of a whole week as of the last day."""

    level: float
    slope: float
    low: float
    high: float


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for _, rows in groupby(ask("limit_peaks"), _PLACE):
        days = [row for row in rows if _whole(row["day"], window)]
        for kind in KINDS:
            if finding := _ahead([row for row in days if row[f"{kind}_limit"]], kind, window):
                yield finding
                break


def _whole(day: datetime, window: Window) -> bool:
    return window.start <= day and day + timedelta(days=1) <= window.end


def _ahead(days: Sequence[Row], kind: str, window: Window) -> Finding | None:
    used = {row["day"].toordinal(): float(row[f"{kind}_used"]) for row in days}
    trend = _trend(used) if len(days) >= MIN_DAYS else None
    if trend is None:
        return None
    limit = days[-1][f"{kind}_limit"]
    left = limit - trend.level
    seen = max(used) - min(used) + 1
    if left < LEFT * limit or left > trend.slope * min(MOST_AHEAD, seen):  # nearly there is D21's to tell
        return None
    return _finding(days, kind, trend, window)


def _trend(used: dict[int, float]) -> Trend | None:
    """Sen's slope between equal days of the week, where Kendall's test by season says that they rise; else nothing.

    Hirsch, Slack and Smith, Techniques of trend analysis for monthly water quality data (1982).
    """
    seasons = [[day for day in sorted(used) if day % WEEK == weekday] for weekday in range(WEEK)]
    pairs = [pair for season in seasons for pair in combinations(season, 2)]
    slopes = sorted((used[late] - used[early]) / (late - early) for early, late in pairs)
    deviation = math.sqrt(sum(n * (n - 1) * (2 * n + 5) / 18 for n in map(len, seasons)))
    rises = sum((slope > 0) - (slope < 0) for slope in slopes)
    if not deviation or rises - 1 < Z95 * deviation:
        return None
    slope = median(slopes)
    lately = [used[day] - used[day - WEEK] for day in used if day > max(used) - WEEK and day - WEEK in used]
    if slope <= 0 or not lately or median(lately) < LASTING * slope * WEEK:
        return None
    low, high = _interval(slopes, Z95 * deviation)
    return Trend(_level(used, slope), slope, low, high)


def _interval(slopes: Sequence[float], width: float) -> tuple[float, float]:
    first, last = math.floor((len(slopes) - width) / 2), math.ceil((len(slopes) + width) / 2)
    return slopes[max(0, first)], slopes[min(len(slopes) - 1, last)]


def _level(used: dict[int, float], slope: float) -> float:
    """The middle of the weeks' busiest moments, each carried on to the last day."""
    today = max(used)
    weeks: dict[int, float] = {}
    for day, most in used.items():
        week = (today - day) // WEEK
        weeks[week] = max(weeks.get(week, 0.0), most + slope * (today - day))
    return median(weeks.values())


def _finding(days: Sequence[Row], kind: str, trend: Trend, window: Window) -> Finding:
    last, limit = days[-1]["day"], days[-1][f"{kind}_limit"]
    left = limit - trend.level
    soonest = last + timedelta(days=left / trend.high)
    latest = f"{last + timedelta(days=min(3650, left / trend.low)):%d %b %Y}" if trend.low > 0 else "much later"
    return Finding(
        detector="D21b",
        category="dependency",
        place=Place(service=days[-1]["service"], provider=days[-1]["provider"], model=days[-1]["model"]),
        window=window,
        title=f"The limit of {limit:,} {kind} is reached about {last + timedelta(days=left / trend.slope):%d %b %Y}",
        why=(
            f"On {len(days):,} days the busiest moment used more from week to week: {trend.slope * WEEK / limit:+.1%} "
            f"of the limit, to {trend.level / limit:.0%} now. If that goes on, nothing is left between "
            f"{soonest:%d %b %Y} and {latest}, where 19 of 20 such slopes lie. "
            "A forecast: no further ahead than it looks back."
        ),
        fix=Fix(
            "Ask the provider for a higher limit in time, spread what can wait over the day, or use its batch API."
        ),
        verify="The limit is higher, or the busiest moment of the day no longer rises from week to week.",
        confidence="medium" if len(days) >= SURE_DAYS else "low",
        trace_ids=tuple(days[-1]["trace_ids"]),
        evidence=Evidence(sum(row["calls"] for row in days), len(days)),
    )


DETECTOR = Detector("D21b", timedelta(days=29), find)
