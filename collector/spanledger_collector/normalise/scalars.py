"""One attribute's value as the ledger takes it. Reads, never raises."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanledger_collector.model import AttributeValue

INT64 = 1 << 63  # OTLP's integers
LONGEST_MONEY = 40  # digits
MOST_MONEY = 10**9  # US dollars for one call


def text(value: AttributeValue) -> str:
    """A scalar as text; nothing for lists, maps, bytes and numbers that OTLP cannot carry."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < INT64):
        return str(value)
    return ""


def within(value: AttributeValue, most: int) -> int:
    """A whole number from 0 to ``most``; 0 for anything else."""
    if type(value) is int:
        return value if 0 <= value <= most else 0
    if isinstance(value, str) and len(value) <= len(str(most)) and value.isascii() and value.isdigit():
        return within(int(value), most)
    return 0


def money(value: AttributeValue) -> Decimal | None:
    """US dollars, 0 or more, exact as written; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or len(str(value)) > LONGEST_MONEY:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MOST_MONEY else None
