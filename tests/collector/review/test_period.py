import pytest

from spanledger_collector.review.period import Month


def test_a_month_ends_where_the_next_begins():
    assert Month.parse("2026-12").params() == {"from": "2026-12-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert Month.parse("2028-02").params()["to"] == "2028-03-01T00:00:00Z"


def test_the_month_before_january_is_december():
    assert str(Month.parse("2026-01").previous) == "2025-12"


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "2026", "October", "2026-10-01", "0001-01"])
def test_what_is_no_month_is_named_with_the_remedy(text):
    with pytest.raises(ValueError, match=rf"{text!r} is not a month; write it like 2026-10"):
        Month.parse(text)
