from fractions import Fraction
from math import comb

import pytest

from spanledger_collector.alerts.tail import binomial_tail, upper_rate


def exact_tail(calls: int, failures: int, rate: Fraction) -> float:
    terms = (comb(calls, k) * rate**k * (1 - rate) ** (calls - k) for k in range(failures, calls + 1))
    return float(sum(terms))


@pytest.mark.parametrize(
    ("calls", "failures", "rate"),
    [(10, 5, Fraction(1, 100)), (20, 1, Fraction(1, 2)), (300, 40, Fraction(1, 10)), (500, 500, Fraction(99, 100))],
)
def test_tail_agrees_with_exact_fractions(calls, failures, rate):
    assert binomial_tail(calls, failures, float(rate)) == pytest.approx(exact_tail(calls, failures, rate), rel=1e-9)


def test_no_failures_are_certain_to_be_reached():
    assert binomial_tail(50, 0, 0.2) == 1.0


def test_tail_of_many_calls_stays_a_probability():
    assert 0.4 < binomial_tail(200_000, 100_000, 0.5) < 0.6
    assert binomial_tail(200_000, 150_000, 0.01) == 0.0


def test_upper_rate_is_the_wilson_bound():
    assert upper_rate(100, 0) == pytest.approx(0.0370, abs=1e-4)
    assert upper_rate(100, 10) == pytest.approx(0.1744, abs=1e-4)
    assert upper_rate(10, 10) == pytest.approx(1.0)
