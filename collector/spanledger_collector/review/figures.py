"""Numbers as a review says them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

UNNAMED: Final = {"team": "(no team)", "feature": "(no feature)", "model": "(no model name)"}
MINUS: Final = "\u2212"
_HALF_CENT: Final = Decimal("0.005")
_TIMES: Final = 10  # from here on a factor says more than percent
_SCALES: Final = ((10**9, "B"), (10**6, "M"), (10**4, "k"))


def money(usd: str | Decimal | None) -> str:
    """Cents from a dollar up; four significant digits below, where rounding to cents would hide the sum."""
    if usd is None:
        return "unknown"
    amount = Decimal(usd)
    sign = MINUS if amount < 0 else ""
    if amount == 0 or abs(amount) >= 1:
        return f"{sign}${abs(amount):,.2f}"
    return f"{sign}${round(abs(amount), 3 - amount.adjusted()):f}"


def estimate(usd: str | Decimal | None) -> str:
    """Money that is modelled and was not measured."""
    return money(usd) if usd is None else f"\u2248 {money(usd)}"


def cents(usd: Decimal | None) -> str:
    """Two decimals, for columns that are compared; what is not nothing is never shown as nothing."""
    if usd is None:
        return "unknown"
    if usd and abs(usd) < _HALF_CENT:
        return f"{MINUS if usd < 0 else ''}<$0.01"
    return f"{MINUS if usd < 0 else ''}${abs(usd):,.2f}"


def signed(usd: Decimal) -> str:
    """A change in US dollars, such as +$312.00."""
    return f"+{cents(usd)}" if usd >= _HALF_CENT else cents(usd) if usd else "$0.00"


def change(now: str | Decimal | float | None, before: str | Decimal | float | None) -> str:
    """Relative to before; ``new`` where there was nothing."""
    if now is None or before is None:
        return "unknown"
    if Decimal(before) == 0:
        return "-" if Decimal(now) == 0 else "new"
    ratio = Decimal(now) / Decimal(before)
    return f"{(ratio - 1) * 100:+.1f} %" if ratio < _TIMES else f"{ratio:,.0f}\u00d7"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def count(number: int) -> str:
    """Exact under ten thousand, else short with a scale: 1.2 M."""
    scale, letter = next((each for each in _SCALES if number >= each[0]), (1, ""))
    if scale == 1:
        return f"{number:,}"
    value = number / (1000 if letter == "k" else scale)
    return f"{value:,.1f} {letter}" if value < 100 else f"{value:,.0f} {letter}"  # noqa: PLR2004 - three digits do
