"""Shapley's average: a factor's effect, averaged over every order in which the factors could have changed.

L. S. Shapley, A value for n-person games, 1953. In integers, so that nothing is rounded.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def averaged(values: Sequence[int]) -> list[tuple[int, int]]:
    """``values[mask]`` is the outcome where the factors in ``mask`` have changed, of 2**n masks.

    A numerator and a denominator for each of the n factors; together they are ``values[-1] - values[0]``.
    """
    count = len(values).bit_length() - 1
    whole = factorial(count)
    return [(sum(map(mul, weights, values)), whole) for weights in _weights(count)]


@lru_cache
def _weights(count: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(_weight(count, mask, place) for mask in range(2**count)) for place in range(count))


def _weight(count: int, mask: int, place: int) -> int:
    """How many orders have just changed ``place`` to get to ``mask``, less those that are just about to."""
    changed = mask.bit_count()
    if mask >> place & 1:
        return factorial(changed - 1) * factorial(count - changed)
    return -factorial(changed) * factorial(count - changed - 1)
