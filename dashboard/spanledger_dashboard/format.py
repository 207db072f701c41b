"""Numbers and names as the pages say them. Money comes in and stays Decimal; only text comes out."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

UNKNOWN: Final = "unknown"
NBSP: Final = "\u00a0"
MINUS: Final = "\u2212"
_CENT: Final = Decimal("0.01")
_SCALES: Final = ((10**9, "B"), (10**6, "M"), (10**3, "k"))
_EXACT_BELOW: Final = 10_000
_SECOND_MS: Final = 1_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_TEN: Final = 10
_HUNDRED: Final = 100
_ROUNDS_UP: Final = 0.9995  # 999,500 is 1.0 M, not 1,000 k
# First strong isolate and its end: a right-to-left name cannot reorder the sentence around it.
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def money(amount: Decimal | None) -> str:
    """US dollars: two significant digits under $1, cents and thousands separators above; None is never $0."""
    if amount is None:
        return UNKNOWN
    sign = MINUS if amount < 0 else ""
    rounded = _two_significant(abs(amount))
    return f"{sign}$0" if not rounded else f"{sign}${rounded:,f}"


def estimate(amount: Decimal | None) -> str:
    """Money that is modelled and was not measured."""
    return UNKNOWN if amount is None else f"≈ {money(amount)}"


def _two_significant(amount: Decimal) -> Decimal:
    if not amount or amount >= 1:
        return amount.quantize(_CENT, ROUND_HALF_EVEN) if amount else amount
    return amount.quantize(min(_CENT, Decimal(1).scaleb(amount.adjusted() - 1)), ROUND_HALF_EVEN)


def exact_money(amount: Decimal | None) -> str:
    """Every digit the ledger holds."""
    return UNKNOWN if amount is None else f"${_plain_decimal(amount)}"


def _plain_decimal(amount: Decimal) -> str:
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(number: int | None) -> str:
    """Calls or tokens: exact under ten thousand, else short with a scale (1.2 M)."""
    if number is None:
        return UNKNOWN
    if number < _EXACT_BELOW:
        return f"{number:,}"
    scale, letter = next((scale, letter) for scale, letter in _SCALES if number >= scale * _ROUNDS_UP)
    value = number / scale
    return f"{value:,.1f}{NBSP}{letter}" if value < _HUNDRED else f"{value:,.0f}{NBSP}{letter}"


def duration(milliseconds: float | None) -> str:
    """The unit a person would say: 420 ms, 1.2 s, 34 s, 2 min 5 s, 1 h 3 min."""
    if milliseconds is None:
        return UNKNOWN
    if round(milliseconds) < _SECOND_MS:
        return f"{milliseconds:.0f}{NBSP}ms" if milliseconds >= 1 else f"<1{NBSP}ms"
    seconds = milliseconds / _SECOND_MS
    if round(seconds) < _MINUTE_S:
        return f"{seconds:.1f}{NBSP}s" if round(seconds, 1) < _TEN else f"{seconds:.0f}{NBSP}s"
    if round(seconds) < _HOUR_S:
        return _two_units(round(seconds), _MINUTE_S, "min", 1, "s")
    return _two_units(round(seconds), _HOUR_S, "h", _MINUTE_S, "min")


def _two_units(seconds: int, big: int, big_name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(seconds, big)
    rest //= small
    return f"{whole}{NBSP}{big_name} {rest}{NBSP}{small_name}" if rest else f"{whole}{NBSP}{big_name}"


def share(part: float | None) -> str:
    """A share of 0..1 as percent; neither rounded up to all nor down to none."""
    if part is None:
        return UNKNOWN
    if part in (0, 1):
        return f"{part * 100:.0f}{NBSP}%"
    if part < 0.0005:  # noqa: PLR2004 - what one decimal can show
        return f"<0.1{NBSP}%"
    return f">99.9{NBSP}%" if part >= 0.9995 else f"{part * 100:.1f}{NBSP}%"  # noqa: PLR2004 - the same


def percent(ratio: Decimal | float) -> str:
    """A signed relative change, such as +8.0 %."""
    value = float(ratio) * 100
    digits = 1 if abs(value) < _TEN else 0
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return f"{sign}{abs(value):,.{digits}f}{NBSP}%"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun: 1 call, 12 calls, 1.2 M calls."""
    return f"{count(number)} {singular if number == 1 else plural or singular + 's'}"


def moment(time: datetime, zone: tzinfo, now: datetime) -> str:
    """A time of day today, else with its date; the zone is named beside the column or the sentence."""
    local = time.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return local.strftime("%H:%M:%S") if same_day else local.strftime("%b %d, %H:%M:%S")


def label(text: str, longest: int = 60) -> str:
    """A name from a span on one bounded line, without control or direction characters; empty is said."""
    line = " ".join("".join(c for c in text if not _invisible(c)).split())
    if not line:
        return "(none)"
    return line if len(line) <= longest else line[: longest - 1] + "…"


def quoted(text: str, longest: int = 48) -> str:
    """The same inside our own sentence, which a right-to-left name must not reorder."""
    return f"{_ISOLATE}{label(text, longest)}{_END_ISOLATE}"


def _invisible(character: str) -> bool:
    """Control and formatting characters, but not the joiner that emoji need nor the white space split() wants."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in "\u200d\n\t\r"
