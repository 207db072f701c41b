"""Budgets as they are given and kept: what is asked is checked here, with the value and the remedy in the error."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanledger_collector.review.period import Period

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS: Final[dict[str, pa.DataType]] = {
    **dict.fromkeys(("team", "feature", "model", "note"), pa.string()),
    "from_month": pa.date32(),
    "updated": pa.timestamp("us", tz="UTC"),
    "usd": pa.decimal128(38, 18),
}
SCHEMA: Final = pa.schema(_FIELDS)
_LONGEST: Final = 200
_MOST: Final = Decimal(10) ** 12


def row(asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A row of the table ``budgets``; ``usd`` None takes a budget back. Raises ValueError."""
    texts = {name: _text(name, asked.get(name, "")) for name in ("team", "feature", "model", "note")}
    if "usd" not in asked:
        raise ValueError(
            "'usd' is missing: give US dollars per month as a text, such as \"5000\", or null for no budget"
        )
    usd = None if asked["usd"] is None else _dollars(asked["usd"])
    return texts | {"from_month": _month(asked.get("from") or f"{now:%Y-%m}"), "updated": now, "usd": usd}


def table(asked: Mapping[str, Any], now: datetime | None = None) -> pa.Table:
    return pa.Table.from_pylist([row(asked, now or datetime.now(timezone.utc))], SCHEMA)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"{name!r} is {str(value)[:50]!r}: give a text of at most {_LONGEST} characters")
    return value


def _dollars(value: object) -> Decimal:
    try:
        usd = Decimal(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    except InvalidOperation:
        usd = None
    if usd is None or not usd.is_finite() or not 0 < usd < _MOST:
        raise ValueError(f"'usd' is {str(value)[:50]!r}: give US dollars per month above 0 as a text, such as \"5000\"")
    return usd


def _month(text: object) -> object:
    period = Period.parse(str(text))
    if not period.is_month:
        raise ValueError(f"'from' is {str(text)[:50]!r}: a budget holds from a month on, such as 2026-11")
    return period.start.date()
