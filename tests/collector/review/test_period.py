from datetime import date, datetime, timezone

import pytest

from spanledger_collector.review.period import Period


def test_a_month_ends_where_the_next_begins():
    assert Period.parse("2026-12").params() == {"from": "2026-12-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert Period.parse("2028-02").params()["to"] == "2028-03-01T00:00:00Z"


def test_the_month_before_january_is_december():
    assert str(Period.parse("2026-01").previous) == "2025-12"


def test_a_week_is_an_iso_week():
    week = Period.parse("2026-W01")
    assert (week.start.date(), week.day_count) == (date(2025, 12, 29), 7)
    assert str(week.previous) == "2025-W52"
    assert Period.week(datetime(2026, 1, 1, tzinfo=timezone.utc)) == week


def test_days_include_both_ends_and_follow_as_many_before():
    days = Period.parse("2026-10-01..2026-10-10")
    assert days.params()["to"] == "2026-10-11T00:00:00Z"
    assert str(days.previous) == "2026-09-21..2026-09-30"


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "2026", "October", "2026-10-01", "0001-01", "2026-W54", "2026-10-02..2026-10-01"]
)
def test_what_is_no_period_is_named_with_the_remedy(text):
    with pytest.raises(ValueError, match=rf"{text!r} is not a month, a week or days; write a month like 2026-10"):
        Period.parse(text)
