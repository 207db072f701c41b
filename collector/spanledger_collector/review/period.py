"""What a review covers: a calendar month, an ISO week or a range of days, all UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY: Final = timedelta(days=1)
_FIRST: Final = datetime(1971, 1, 1, tzinfo=timezone.utc)  # the store begins in 1970, and each has a previous one
_HOW: Final = "write a month like 2026-10, a week like 2026-W41, or days like 2026-10-01..2026-10-15, both included"


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open, whole days; ``name`` is how it is written."""

    start: datetime
    end: datetime
    name: str

    @classmethod
    def parse(cls, text: str) -> Period:
        """``2026-10``, ``2026-W41`` or ``2026-10-01..2026-10-15``; raises ValueError for anything else."""
        try:
            period = _read(text)
        except (ValueError, OverflowError):
            period = None
        if period is None or period.start < _FIRST or period.start >= period.end:
            raise ValueError(f"{text!r} is not a month, a week or days; {_HOW}")
        return period

    @classmethod
    def month(cls, moment: datetime | date) -> Period:
        """The calendar month that holds it."""
        return _month(moment.year, moment.month)

    @classmethod
    def week(cls, moment: datetime | date) -> Period:
        """The ISO week that holds it."""
        year, week, _ = moment.isocalendar()
        return _week(year, week)

    @property
    def is_month(self) -> bool:
        return len(self.name) == len("2026-10")

    @property
    def previous(self) -> Period:
        before = self.start - _DAY
        if self.is_month:
            return _month(before.year, before.month)
        if "W" in self.name:
            return Period.week(before)
        first = self.start - (self.end - self.start)
        return Period(first, self.start, f"{first:%Y-%m-%d}..{before:%Y-%m-%d}")

    @property
    def day_count(self) -> int:
        return (self.end - self.start).days

    def dates(self) -> Iterator[date]:
        return (self.start.date() + timedelta(days=number) for number in range(self.day_count))

    def days(self) -> Iterator[dict[str, str]]:
        """The parameters of each day: one answer for a whole month may be more than the collector gives at once."""
        for number in range(self.day_count):
            day = self.start + timedelta(days=number)
            yield {"from": rfc3339(day), "to": rfc3339(day + _DAY)}

    def holds(self, text: str) -> bool:
        """Whether a moment, as the API writes it, lies in it."""
        return rfc3339(self.start) <= text < rfc3339(self.end)

    def params(self) -> dict[str, str]:
        return {"from": rfc3339(self.start), "to": rfc3339(self.end)}

    def __str__(self) -> str:
        return self.name


def _read(text: str) -> Period | None:
    if match := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text):
        return _month(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(\d{4})-W(\d\d)", text):
        return _week(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)", text):
        return Period(_midnight(match[1]), _midnight(match[2]) + _DAY, text)
    return None


def _month(year: int, month: int) -> Period:
    start = datetime(year, month, 1, tzinfo=timezone.utc)
    return Period(start, (start + timedelta(days=32)).replace(day=1), f"{year}-{month:02}")


def _week(year: int, week: int) -> Period:
    start = datetime.combine(date.fromisocalendar(year, week, 1), time(), timezone.utc)
    return Period(start, start + timedelta(days=7), f"{year}-W{week:02}")


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), timezone.utc)


def rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
