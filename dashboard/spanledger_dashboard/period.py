"""Which stretch of time a page answers for, and which one it is compared with.

Edges are UTC and half-open; days and months are counted on the wall clock of the chosen zone, so a day stays a day
across daylight saving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Bucket = Literal["hour", "day"]
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_HOURLY_UP_TO: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Period:
    """``end`` may lie ahead of ``now``: the running hour is included, and whole hours are cheap to ask for."""

    start: datetime
    end: datetime
    zone: tzinfo
    now: datetime
    said: str  # "in the last 7 days"
    before_said: str  # "the 7 days before"
    days: int = 1  # length on the calendar; 0 for a month

    @property
    def bucket(self) -> Bucket:
        """How fine the bars are."""
        return "hour" if self.end - self.start <= _HOURLY_UP_TO else "day"

    @property
    def asked_bucket(self) -> Bucket:
        """The ledger counts days in UTC; the days of another zone are added up from hours."""
        return self.bucket if str(self.zone) == "UTC" else "hour"

    @property
    def running(self) -> bool:
        """Whether more calls can still fall into it."""
        return self.end > self.now

    def buckets(self) -> list[datetime]:
        """Every bucket's start, in order, those without calls included."""
        found = [self.floor(self.start)]
        while (following := self.following(found[-1])) < self.end:
            found.append(following)
        return found

    def floor(self, moment: datetime) -> datetime:
        """The start of the bucket a moment falls into; hours are UTC's, days the zone's."""
        if self.bucket == "hour":
            return moment.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
        return midnight(moment.astimezone(self.zone).date(), self.zone)

    def following(self, bucket: datetime) -> datetime:
        """The start of the next bucket."""
        return bucket + _HOUR if self.bucket == "hour" else _days_later(bucket, 1, self.zone)

    def before(self) -> Period:
        """The previous period, cut at the same elapsed time: a running week is not compared with a whole one."""
        start = _days_later(self.start, -self.days, self.zone) if self.days else _month_before(self.start, self.zone)
        end = min(start + (self.now - self.start), self.start) if self.running else self.start
        return replace(self, start=start, end=end, said=self.before_said)

    def week_before(self) -> Period:
        """The same hours and days one week earlier."""
        start = _days_later(self.start, -7, self.zone)
        end = _days_later(min(self.end, self.now), -7, self.zone)
        return replace(self, start=start, end=end, said="the same time a week before")


class UtcDays(Period):
    """A period in the days that the ledger counts, however short it is."""

    @property
    def bucket(self) -> Bucket:
        """Always a day."""
        return "day"


def utc_days(asked: Period) -> Period:
    """The same stretch in whole days of UTC."""
    start, end = midnight(asked.start.astimezone(timezone.utc).date(), timezone.utc), asked.end
    return UtcDays(start, end, ZoneInfo("UTC"), asked.now, asked.said, asked.before_said, asked.days)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The start of a calendar day in a zone, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(timezone.utc)


def _days_later(moment: datetime, days: int, zone: tzinfo) -> datetime:
    return (moment.astimezone(zone) + days * _DAY).astimezone(timezone.utc)


def _first_of_month(moment: datetime, zone: tzinfo) -> datetime:
    return midnight(moment.astimezone(zone).date().replace(day=1), zone)


def _month_before(first_of_month: datetime, zone: tzinfo) -> datetime:
    return _first_of_month(first_of_month - _DAY, zone)


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR


def _last_day(now: datetime, zone: tzinfo) -> Period:
    end = _next_hour(now)
    return Period(end - _DAY, end, zone, now, "in the last 24 hours", "the 24 hours before")


def _today(now: datetime, zone: tzinfo) -> Period:
    start = midnight(now.astimezone(zone).date(), zone)
    return Period(start, _next_hour(now), zone, now, "today", "yesterday up to this time")


def _last_days(days: int) -> Callable[[datetime, tzinfo], Period]:
    def period(now: datetime, zone: tzinfo) -> Period:
        start = midnight(now.astimezone(zone).date() - (days - 1) * _DAY, zone)
        return Period(start, _next_hour(now), zone, now, f"in the last {days} days", f"the {days} days before", days)

    return period


def _this_month(now: datetime, zone: tzinfo) -> Period:
    start = _first_of_month(now, zone)
    return Period(start, _next_hour(now), zone, now, "this month", "last month up to this time", 0)


def _last_month(now: datetime, zone: tzinfo) -> Period:
    end = _first_of_month(now, zone)
    return Period(_month_before(end, zone), end, zone, now, "last month", "the month before", 0)


RANGES: Final[Mapping[str, Callable[[datetime, tzinfo], Period]]] = {
    "Last 24 hours": _last_day,
    "Today": _today,
    "Last 7 days": _last_days(7),
    "Last 30 days": _last_days(30),
    "Last 90 days": _last_days(90),
    "This month": _this_month,
    "Last month": _last_month,
}


def custom(first: date, last: date, now: datetime, zone: tzinfo) -> Period:
    """Whole days, both included."""
    days = (last - first).days + 1
    said = f"on {first:%b %d}" if days == 1 else f"from {first:%b %d} to {last:%b %d}"
    before = "the day before" if days == 1 else f"the {days} days before"
    return Period(midnight(first, zone), midnight(last + _DAY, zone), zone, now, said, before, days)
