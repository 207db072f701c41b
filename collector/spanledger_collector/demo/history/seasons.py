"""How busy a service is at an hour of the week, and how many calls that makes."""

from __future__ import annotations

from typing import Literal

Rhythm = Literal["office", "shop", "night"]

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
FIRST_WEEKEND_DAY = 5
GROWTH_PER_WEEK = 0.025
WEDNESDAY_MORNING = 6 * HOURS_PER_DAY + 9  # nine o'clock, in hours of a week that begins as the epoch does

# Relative traffic by hour of the day, UTC.
OFFICE = (0.02,) * 6 + (0.15, 0.5, 1.0, 1.3, 1.35, 1.1, 0.8, 1.1, 1.3, 1.2, 0.9, 0.5) + (0.15,) * 3 + (0.05,) * 3
SHOP = (0.12,) * 5 + (0.2, 0.35, 0.6, 0.8, 0.9, 1.0, 1.05, 1.1, 1.0, 0.95, 1.0, 1.1, 1.25, 1.4, 1.5) + (
    1.3, 1.0, 0.6, 0.3,
)  # fmt: skip
NIGHT = (0.4, 4.0, 4.5, 2.5) + (0.02,) * 20
DAILY: dict[Rhythm, tuple[float, ...]] = {"office": OFFICE, "shop": SHOP, "night": NIGHT}
WEEKEND: dict[Rhythm, float] = {"office": 0.12, "shop": 1.15, "night": 0.6}


def is_weekend(day: int) -> bool:
    """Of a day counted since the epoch."""
    return (day + EPOCH_WEEKDAY) % 7 >= FIRST_WEEKEND_DAY


def traffic(rhythm: Rhythm, hour: int) -> float:
    """Relative traffic in one hour, counted since the epoch."""
    weekend = is_weekend(hour // HOURS_PER_DAY)
    return DAILY[rhythm][hour % HOURS_PER_DAY] * (WEEKEND[rhythm] if weekend else 1.0)


def ahead(anchor_hour: int) -> int:
    """Hours by which the company's clock is before UTC. The services that run go on at one pace, day and night; where
    the company is a working day begins, so that their pace is nothing unusual whenever the demo is started.
    """
    return (WEDNESDAY_MORNING - anchor_hour) % HOURS_PER_WEEK


def growth(hour: int, anchor_hour: int) -> float:
    """Slowly more every week; 1 at the anchor."""
    return float((1 + GROWTH_PER_WEEK) ** ((hour - anchor_hour) / HOURS_PER_WEEK))
