from datetime import date, timedelta
from decimal import Decimal

import pytest

from spanledger_collector.review.budget import Course, Scope, burn, in_force
from spanledger_collector.review.forecast import Forecast, forecast
from spanledger_collector.review.period import Period

OCTOBER = Period.parse("2026-10")


def days(first: date, *usd: int) -> dict[date, Decimal]:
    return {first + timedelta(days=number): Decimal(each) for number, each in enumerate(usd)}


def weekly(first: date, count: int) -> dict[date, Decimal]:
    """$10 on working days, $2 at weekends."""
    dates = (first + timedelta(days=number) for number in range(count))
    return {day: Decimal(2 if day.weekday() > 4 else 10) for day in dates}


def test_a_strict_weekly_rhythm_is_forecast_to_the_cent_with_no_band():
    daily = weekly(date(2026, 8, 1), 75)  # to 14 October
    ahead = forecast(daily, OCTOBER, date(2026, 10, 15))
    whole = sum(weekly(date(2026, 10, 1), 31).values())
    assert (ahead.low, ahead.middle, ahead.high) == (whole, whole, whole)
    assert (ahead.method, ahead.days_left) == ("seasonal", 17)


def test_the_band_is_as_wide_as_the_method_was_wrong():
    daily = {day: usd * (1 + (day.toordinal() * 7919 % 5)) for day, usd in weekly(date(2026, 8, 1), 75).items()}
    ahead = forecast(daily, OCTOBER, date(2026, 10, 15))
    assert ahead.spent < ahead.low < ahead.middle < ahead.high
    assert ahead.chance_above(ahead.spent) == 1.0
    assert ahead.chance_above(Decimal(10**6)) == 0.0
    assert 0 < ahead.chance_above(ahead.middle) < 1


def test_below_two_weeks_there_is_a_run_rate_and_no_band():
    ahead = forecast(days(date(2026, 10, 1), *[10] * 10), OCTOBER, date(2026, 10, 11))
    assert (ahead.method, ahead.middle, ahead.low, ahead.chance_above(Decimal(1))) == (
        "run rate",
        Decimal(310),
        None,
        None,
    )


def test_a_rise_in_level_is_followed_for_a_while_only():
    steady, risen = days(date(2026, 9, 1), *[10] * 30), days(date(2026, 10, 1), *[20] * 7)
    ahead = forecast(steady | risen, OCTOBER, date(2026, 10, 8))
    assert Decimal(140 + 240) < ahead.middle < Decimal(140 + 480)


def test_a_month_that_is_over_is_what_it_cost():
    ahead = forecast(days(date(2026, 10, 1), *[10] * 31), OCTOBER, date(2026, 11, 3))
    assert (ahead.method, ahead.middle, ahead.days_left) == ("closed", Decimal(310), 0)


def test_without_a_single_day_nothing_is_forecast():
    assert forecast({}, OCTOBER, date(2026, 10, 11)) is None


def row(from_month: str, usd: str | None, team: str = ""):
    return {"team": team, "feature": "", "model": "", "from_month": from_month, "usd": usd}


def test_the_newest_budget_that_has_begun_is_in_force():
    rows = [
        row("2026-08", "100"),
        row("2026-10", "150"),
        row("2026-11", "900"),
        row("2026-01", "5", "a"),
        row("2026-09", None, "a"),
    ]
    assert in_force(rows, OCTOBER) == {Scope(): Decimal(150)}


def burned(budget: int, *usd: int, ahead: Forecast | None = None):
    until = date(2026, 10, 1) + timedelta(days=len(usd))
    return burn(Scope(), Decimal(budget), Course(days(date(2026, 10, 1), *usd), OCTOBER, until, ahead))


def test_a_pace_that_just_lasts_the_month_burns_at_one():
    assert burned(310, *[10] * 10).multiple == pytest.approx(1.0)
    assert burned(310, *[30] * 10).multiple == pytest.approx(3.0)


def test_the_day_the_budget_was_passed_is_known():
    assert burned(100, *[30] * 10).runs_out == date(2026, 10, 4)


def test_the_day_it_will_be_passed_is_forecast():
    ahead = Forecast(Decimal(100), 21, Decimal(310))
    assert burned(155, *[10] * 10, ahead=ahead).runs_out == date(2026, 10, 16)
    assert burned(400, *[10] * 10, ahead=ahead).runs_out is None


def test_before_the_first_day_is_over_nothing_burns():
    assert burned(100).multiple is None
