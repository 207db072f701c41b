"""Sums without rounding, and exact rational amounts as decimals that still sum to the whole."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PER_DOLLAR: Final = 10**18  # steps, the ledger's own
_DIGITS: Final = 80  # more than sums of the ledger's 38 can need; Python's own 28 would round them


def total(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return sum(amounts, Decimal(0))


def difference(after: Decimal, before: Decimal) -> Decimal:
    return total((after, before.copy_negate()))


def closed(parts: Mapping[str, Fraction], whole: Decimal) -> dict[str, Decimal]:
    """Each part within one step of its exact value, together the whole; the largest remainders are rounded up."""
    steps = {name: part * _PER_DOLLAR for name, part in parts.items()}
    floors = {name: step.__floor__() for name, step in steps.items()}
    missing = int(Fraction(whole) * _PER_DOLLAR) - sum(floors.values())
    if not 0 <= missing <= len(parts):
        raise ValueError(f"the parts {dict(parts)} do not sum to {whole}")
    order = sorted(parts, key=lambda name: (floors[name] - steps[name], name))
    up = set(order[:missing])
    return {name: Decimal(f"{floors[name] + (name in up)}e-18") for name in parts}
