"""A calendar month in UTC: what a review covers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """``2026-10``; raises ValueError for anything else."""
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        if not match or match[1] < "1971":  # the store's times begin in 1970, and every month has a previous one
            raise ValueError(f"{text!r} is not a month; write it like 2026-10")
        return cls(int(match[1]), int(match[2]))

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=timezone.utc)

    @property
    def end(self) -> datetime:
        """First moment after the month."""
        return (self.start + timedelta(days=32)).replace(day=1)

    @property
    def previous(self) -> Month:
        before = self.start - timedelta(days=1)
        return Month(before.year, before.month)

    def days(self) -> Iterator[dict[str, str]]:
        """The parameters of each day: one answer for a whole month may be more than the collector gives at once."""
        day = self.start
        while day < self.end:
            yield {"from": rfc3339(day), "to": rfc3339(day + timedelta(days=1))}
            day += timedelta(days=1)

    def params(self) -> dict[str, str]:
        return {"from": rfc3339(self.start), "to": rfc3339(self.end)}

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"


def rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
