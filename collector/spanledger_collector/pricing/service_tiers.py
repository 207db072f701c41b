"""Service tiers: what batch, flex and priority cost where the price book itself has no line for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanledger_collector.pricing.documents import PriceFileError, Table, parse, tables
from spanledger_collector.pricing.rates import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

_KEYS = ("provider", "names", "context", "from", "backdate", "shares", "source")


@dataclass(frozen=True, slots=True)
class TierRule:
    """One ``[[tier]]``: a provider's tier from a day on."""

    provider: str
    names: frozenset[str]
    context: Mapping[str, str]  # how the price book asks for it; empty when it never has it
    since: datetime
    backdate: bool  # the book's later line holds back to ``since``, in proportion
    shares: Mapping[str, Decimal]  # part -> share of the standard rate
    source: str


@dataclass(frozen=True, slots=True)
class TierRules:
    """The file: names that mean the standard price, and the rules for all others."""

    standard: frozenset[str]
    rules: tuple[TierRule, ...]

    def canonical(self, service_tier: str) -> str:
        """The tier's name in lower case; empty for the standard one."""
        name = service_tier.strip().lower()
        return "" if name in self.standard else name

    def rule(self, provider: str, service_tier: str) -> TierRule | None:
        matches = (one for one in self.rules if one.provider == provider and service_tier in one.names)
        return next(matches, None)


def read(path: Path) -> TierRules:
    """The rules of a file; raises PriceFileError with the line, the value and the remedy."""
    standard = parse(path).get("standard")
    if not isinstance(standard, list) or not all(isinstance(name, str) for name in standard):
        raise PriceFileError(f"{path}: 'standard' is {standard!r}; list the names of the standard tier")
    return TierRules(frozenset(standard), tuple(_rule(table) for table in tables(path, "tier")))


def _rule(table: Table) -> TierRule:
    table.only(_KEYS)
    since = table.moment("from")
    if since is None:
        raise table.refuse("'from' is missing; write the first day of the tier: from = 2025-04-17")
    shares = Table(table.values.get("shares", {}), table.place)
    shares.only(PARTS)
    return TierRule(
        provider=table.text("provider"),
        names=frozenset(table.texts("names")),
        context=table.values.get("context", {}),
        since=since,
        backdate=table.values.get("backdate") is True,
        shares={part: share for part in PARTS if (share := shares.amount(part)) is not None},
        source=table.text("source"),
    )
