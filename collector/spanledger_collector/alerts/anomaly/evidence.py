"""How loudly counts and means speak against "as usual", in nats: 14 nats are odds of about one to a million.

All arrays broadcast; the evidence is the log-likelihood ratio of what was seen against what was expected (Chernoff's
bound on the tail), so it needs no distribution tables and errs towards silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TINY = 1e-12


def too_many(count: Floats, of: Floats, rate: Floats) -> Floats:
    """``count`` of ``of`` where the usual share is ``rate``; 0 where the share is not above it."""
    share = count / np.maximum(of, 1.0)
    rate = np.clip(rate, _TINY, 1 - _TINY)
    nats = count * _log(share / rate) + (of - count) * _log((1 - share) / (1 - rate))
    return np.where(share > rate, nats, 0.0)


def count_shift(count: Floats, expected: Floats, dispersion: Floats) -> Floats:
    """A count against its mean when the mean itself wanders by a share whose variance is ``dispersion``.

    Half the deviance of a negative binomial: positive where too many, negative where too few.
    """
    expected = np.maximum(expected, _TINY)
    size = 1 / np.maximum(dispersion, 1e-6)
    nats = count * _log(count / expected) - (count + size) * np.log((count + size) / (expected + size))
    return np.where(count >= expected, 1.0, -1.0) * np.maximum(nats, 0.0)


def mean_shift(shift: Floats, variance: Floats) -> Floats:
    """A mean away from its expectation by ``shift``, ``variance`` being that of the mean; the sign is the shift's."""
    nats: Floats = np.sign(shift) * shift**2 / (2 * np.maximum(variance, _TINY))
    return nats


def _log(value: Floats) -> Floats:
    return np.log(np.maximum(value, _TINY))
