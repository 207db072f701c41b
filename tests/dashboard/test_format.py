from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from spanledger_dashboard.format import (
    count,
    counted,
    duration,
    estimate,
    exact_money,
    label,
    moment,
    money,
    percent,
    quoted,
    share,
)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2212", "-")


def test_an_estimate_never_looks_measured_nor_unknown_like_zero() -> None:
    assert [estimate(each) for each in (Decimal("1.5"), None)] == ["≈ $1.50", "unknown"]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (None, "unknown"),
        ("0", "$0"),
        ("0.0042", "$0.0042"),
        ("0.00000012345", "$0.00000012"),
        ("0.5", "$0.50"),
        ("0.999", "$1.00"),
        ("1.005", "$1.00"),
        ("4212.351", "$4,212.35"),
        ("-0.25", "-$0.25"),
        ("1e-18", "$0.0000000000000000010"),
    ],
)
def test_money_keeps_two_significant_cents_and_never_calls_unknown_zero(amount: str | None, said: str) -> None:
    assert plain(money(None if amount is None else Decimal(amount))) == said


@pytest.mark.parametrize(("amount", "said"), [("1.250000000000000000", "$1.25"), ("0E-18", "$0"), ("12000", "$12,000")])
def test_exact_money_has_every_digit_and_no_trailing_zero(amount: str, said: str) -> None:
    assert exact_money(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (None, "unknown"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (1_234_567, "1.2 M"),
        (999_499, "999 k"),
        (999_500, "1.0 M"),
        (999_999_999, "1.0 B"),
        (1_234_000_000_000, "1,234 B"),
    ],
)
def test_counts_are_exact_while_short(number: int | None, said: str) -> None:
    assert plain(count(number)) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (None, "unknown"),
        (0.2, "<1 ms"),
        (420.4, "420 ms"),
        (999.7, "1.0 s"),
        (1_240, "1.2 s"),
        (9_970, "10 s"),
        (34_000, "34 s"),
        (59_700, "1 min"),
        (125_000, "2 min 5 s"),
        (3_600_000, "1 h"),
        (3_780_000, "1 h 3 min"),
    ],
)
def test_durations_are_in_the_unit_a_person_says(milliseconds: float | None, said: str) -> None:
    assert plain(duration(milliseconds)) == said


@pytest.mark.parametrize(
    ("part", "said"),
    [(None, "unknown"), (0, "0 %"), (1, "100 %"), (0.9999, ">99.9 %"), (0.0001, "<0.1 %"), (0.0175, "1.8 %")],
)
def test_shares_are_not_rounded_to_all_or_nothing(part: float | None, said: str) -> None:
    assert plain(share(part)) == said


def test_percent_carries_its_sign() -> None:
    assert [plain(percent(ratio)) for ratio in (0.08, -0.123, 0, 12.5)] == ["+8.0 %", "-12 %", "±0.0 %", "+1,250 %"]


def test_one_call_is_singular() -> None:
    assert (counted(1, "call"), counted(2, "call")) == ("1 call", "2 calls")


def test_a_moment_of_another_day_has_its_date() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
    earlier = datetime(2026, 11, 22, 23, 5, 1, tzinfo=timezone.utc)
    assert (moment(now, timezone.utc, now), moment(earlier, timezone.utc, now)) == ("12:00:00", "Nov 22, 23:05:01")


def test_labels_are_one_bounded_line_without_direction_tricks() -> None:
    assert label("a\n\tb\u202ec\x00") == "a bc"
    assert label("x" * 10_000, 10) == "x" * 9 + "…"
    assert label(" \u200b ") == "(none)"
    assert label("👩\u200d👧") == "👩\u200d👧"


def test_a_quoted_name_is_isolated_from_the_sentence() -> None:
    assert quoted("نموذج") == "\u2068نموذج\u2069"
