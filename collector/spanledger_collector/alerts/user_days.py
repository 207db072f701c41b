"""What a user usually does in a day: read when it is asked for, and kept until the next day begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts.stored_calls import window

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.stored_calls import RunQuery

PAST: Final = timedelta(days=28)
_KNOWN: Final = 3  # days with calls
_MANY_DAYS: Final = 8
_CALLS: Final = 10  # of a day, from which its share of failures counts
_KEPT: Final = 2000  # users


@dataclass(frozen=True, slots=True)
class Days:
    """``peaks`` by unit and day: US dollars and calls of the dearest and busiest hour, the day's share of failures."""

    peaks: Mapping[str, Mapping[date, float]] = field(default_factory=dict)

    def peak(self, unit: str, at: datetime) -> float | None:
        """The most that is usual. None of a user with calls on fewer than three days.

        The highest day, of many days the two highest, may have been incidents and do not count; what the same day of
        week usually has does.
        """
        found = self.peaks.get(unit, {})
        if len(found) < _KNOWN:
            return None
        ordered = sorted(found.values())
        usual = ordered[-3] if len(ordered) >= _MANY_DAYS else ordered[-2]
        same = [value for day, value in found.items() if day.weekday() == at.weekday()]
        return max(usual, median_low(same)) if len(same) > 1 else usual


NOBODY: Final = Days()


class UserDays:
    """Of so many users at most."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._day: datetime | None = None
        self._days: dict[tuple[str, str], Days] = {}

    def before(self, moment: datetime, users: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Days]:
        """Of these services' users, the four weeks that end with the last whole UTC day."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if day != self._day or len(self._days) > _KEPT:
            self._day, self._days = day, {}
        if missing := sorted(set(users) - self._days.keys()):
            asked = {"service": sorted({one for one, _ in missing}), "user": sorted({one for _, one in missing})}
            rows = self._run_query("user_days", asked | window(day - PAST, day)).to_pylist()
            self._days |= dict.fromkeys(missing, NOBODY) | _by_user(rows)
        return {user: self._days.get(user, NOBODY) for user in users}


def _by_user(rows: list[Row]) -> dict[tuple[str, str], Days]:
    found: dict[tuple[str, str], dict[str, dict[date, float]]] = {}
    for row in rows:
        peaks = found.setdefault((row["service"], row["user"]), {"US dollars": {}, "calls": {}, "failures": {}})
        peaks["US dollars"][row["day"]] = float(row["peak_usd"])
        peaks["calls"][row["day"]] = float(row["peak_calls"])
        if row["calls"] >= _CALLS:
            peaks["failures"][row["day"]] = row["failures"] / row["calls"]
    return {user: Days(peaks) for user, peaks in found.items()}
