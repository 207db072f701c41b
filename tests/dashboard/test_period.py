from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from spanledger_dashboard.period import RANGES, Period, custom

UTC = timezone.utc
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday
NEW_YORK = ZoneInfo("America/New_York")  # left daylight saving on 2026-11-01
KOLKATA = ZoneInfo("Asia/Kolkata")


def at(day: str, hour: int = 0, minute: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=UTC)


def edges(period: Period) -> tuple[datetime, datetime]:
    return period.start, period.end


def test_the_last_seven_days_begin_at_midnight_and_include_the_running_hour() -> None:
    assert edges(RANGES["Last 7 days"](NOW, UTC)) == (at("2026-11-17"), at("2026-11-23", 10))


def test_a_running_week_is_compared_up_to_the_same_moment() -> None:
    assert edges(RANGES["Last 7 days"](NOW, UTC).before()) == (at("2026-11-10"), at("2026-11-16", 9, 30))


def test_a_running_month_is_compared_with_the_same_days_of_the_last_one() -> None:
    assert edges(RANGES["This month"](NOW, UTC).before()) == (at("2026-10-01"), at("2026-10-23", 9, 30))


def test_a_long_month_is_not_compared_beyond_the_end_of_a_short_one() -> None:
    march = RANGES["This month"](at("2026-03-31", 12), UTC)
    assert edges(march.before()) == (at("2026-02-01"), at("2026-03-01"))


def test_a_whole_month_is_compared_with_the_whole_month_before() -> None:
    period = RANGES["Last month"](NOW, UTC)
    assert edges(period) == (at("2026-10-01"), at("2026-11-01"))
    assert edges(period.before()) == (at("2026-09-01"), at("2026-10-01"))


def test_days_are_those_of_the_zone() -> None:
    assert RANGES["Today"](NOW, KOLKATA).start == at("2026-11-22", 18, 30)


def test_a_day_of_25_hours_is_one_day() -> None:
    period = custom(date(2026, 10, 31), date(2026, 11, 2), NOW, NEW_YORK)
    starts = period.buckets()
    assert [bucket.astimezone(NEW_YORK).day for bucket in starts] == [31, 1, 2]
    assert starts[2] - starts[1] == timedelta(hours=25)


def test_every_hour_of_a_day_has_its_bar() -> None:
    period = RANGES["Last 24 hours"](NOW, UTC)
    assert len(period.buckets()) == 24
    assert period.bucket == "hour"
    assert period.buckets()[-1] == at("2026-11-23", 9)


def test_days_of_another_zone_are_added_up_from_hours() -> None:
    assert RANGES["Last 7 days"](NOW, UTC).asked_bucket == "day"
    assert RANGES["Last 7 days"](NOW, KOLKATA).asked_bucket == "hour"


def test_a_week_before_moves_both_ends() -> None:
    assert edges(RANGES["Today"](NOW, UTC).week_before()) == (at("2026-11-16"), at("2026-11-16", 9, 30))


def test_chosen_days_include_both_ends() -> None:
    period = custom(date(2026, 11, 1), date(2026, 11, 2), NOW, UTC)
    assert edges(period) == (at("2026-11-01"), at("2026-11-03"))
    assert not period.running
