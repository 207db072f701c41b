"""What one of something cost. None where there is nothing to divide by, or nothing known to divide."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from spanledger_collector.review.ledger import Row

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """US dollars, of the calls whose cost is known."""

    request: Decimal | None
    success: Decimal | None  # failed calls' cost included: what a result costs
    per_million: dict[str, Decimal | None]  # tokens by part


def of(rows: Iterable[Row]) -> UnitCosts:
    """From rows of the query ``segments``."""
    priced = [row for row in rows if row["priced_calls"]]
    cost = sum((Decimal(row["cost"]) for row in priced), Decimal(0))
    return UnitCosts(
        request=_per(cost, sum(row["priced_calls"] for row in priced)),
        success=_per(cost, sum(row["priced_calls"] for row in priced if row["outcome"] == "ok")),
        per_million={part: _per_million(priced, *each) for part, each in _PARTS.items()},
    )


def per_user(users: Row) -> Decimal | None:
    """From the one row of the query ``users``."""
    return _per(Decimal(users["cost_usd"]), users["users"]) if users["cost_usd"] is not None else None


def _uncached(row: Row) -> int:
    return max(0, int(row["input_tokens"]) - int(row["cache_read_tokens"] + row["cache_write_tokens"]))


_PARTS: Final[dict[str, tuple[Callable[[Row], int], str]]] = {
    "uncached input": (_uncached, "cost_input"),
    "cache read": (lambda row: int(row["cache_read_tokens"]), "cost_cache_read"),
    "cache write": (lambda row: row["cache_write_tokens"], "cost_cache_write"),
    "all input": (lambda row: row["input_tokens"], "cost_input cost_cache_read cost_cache_write"),
    "output": (lambda row: row["output_tokens"], "cost_output"),
}


def _per_million(rows: Sequence[Row], tokens: Callable[[Row], int], money: str) -> Decimal | None:
    """Calls whose provider told one sum only have no parts: they are left out of both."""
    split = [row for row in rows if row["cost_grade"] != "provider"]
    usd = sum((Decimal(row[name]) for row in split for name in money.split()), Decimal(0))
    return _per(usd * _MILLION, sum(tokens(row) for row in split))


def _per(usd: Decimal, count: int) -> Decimal | None:
    return usd / count if count else None
