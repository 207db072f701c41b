import pytest

from spanledger_collector.review.page import change, money, share


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("1234.565", "$1,234.56"),
        ("0", "$0.00"),
        ("0.00123456", "$0.001235"),
        ("0.00000012", "$0.0000001200"),
        (None, "unknown"),
    ],
)
def test_money_keeps_cents_and_shows_small_sums(usd, text):
    assert money(usd) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [("15", "10", "+50.0 %"), (5, 10, "-50.0 %"), ("1", "0", "new"), ("0", "0", "-"), (None, "1", "unknown")],
)
def test_change_is_against_the_month_before(now, before, text):
    assert change(now, before) == text


def test_coverage_without_calls_is_no_share():
    assert (share(None), share(0.985)) == ("-", "98.5%")
