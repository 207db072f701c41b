"""How unlikely a count of failures is: exact binomial tail and the cautious rate to hold it against."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

_Z95 = 1.959963984540054


def binomial_tail(calls: int, failures: int, rate: float) -> float:
    """P(X >= failures) for X ~ Binomial(calls, rate), 0 < rate < 1; terms are summed largest first."""
    if failures <= 0:
        return 1.0
    total = 0.0
    for count in range(failures, calls + 1):
        term = exp(_log_probability(calls, count, rate))
        total += term
        if count > calls * rate and term <= total * 1e-17:  # past the mode terms only shrink
            break
    return min(total, 1.0)


def _log_probability(calls: int, count: int, rate: float) -> float:
    ways = lgamma(calls + 1) - lgamma(count + 1) - lgamma(calls - count + 1)
    return ways + count * log(rate) + (calls - count) * log1p(-rate)


def upper_rate(calls: int, failures: int) -> float:
    """Upper end of the Wilson 95 % interval: 0 failures in 100 calls still allow a rate of 3.7 %."""
    share = failures / calls
    spread = _Z95 * sqrt(share * (1 - share) / calls + _Z95**2 / (4 * calls**2))
    return (share + _Z95**2 / (2 * calls) + spread) / (1 + _Z95**2 / calls)
