"""Price lines from files: the deployment's own (contracts, fine-tunes, new models) and our patches of the book.

[[price]]
provider = "openai"             # as in the price book; "*" for any
model = "ft:gpt-4.1:acme:*"     # * and ? match any text
from = 2026-01-01               # optional, first day (UTC); "until" is the first day after
service_tier = "batch"          # optional; without it the line is for standard calls
input = "1.80"                  # US dollars per million tokens; also cache_read, output, ...
discount = "0.15"               # instead of rates: 15 % off the book's
source = "order form 4711"
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from spanledger_collector.pricing.documents import tables
from spanledger_collector.pricing.rates import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from spanledger_collector.pricing.documents import Table

_PER_MILLION = -6
_KEYS = (*PARTS, "provider", "model", "from", "until", "service_tier", "discount", "free", "source")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One ``[[price]]`` of a file."""

    provider: str
    model: str
    since: date | None
    until: date | None
    service_tier: str
    rates: Mapping[str, Decimal]  # US dollars per token
    discount: Decimal  # share of the book's rates that is not charged
    free: bool
    source: str
    place: str

    def applies(self, provider: str, model: str) -> bool:
        """Whether the line is for that model, at some time."""
        return self.provider in (provider, "*") and fnmatchcase(model.lower(), self.model)

    def holds(self, day: date) -> bool:
        return (self.since is None or day >= self.since) and (self.until is None or day < self.until)


def read(path: Path) -> list[PriceLine]:
    """The lines of a price file; raises PriceFileError with the line, the value and the remedy."""
    return [_line(table) for table in tables(path, "price")]


def _line(table: Table) -> PriceLine:
    table.only(_KEYS)
    rates = {part: rate.scaleb(_PER_MILLION) for part in PARTS if (rate := table.amount(part)) is not None}
    discount = table.amount("discount") or Decimal(0)
    free = table.values.get("free") is True
    if discount >= 1:
        raise table.refuse(f"'discount' is {discount}; write the share that is taken off, as in discount = \"0.15\"")
    if not rates and not discount and not free:
        raise table.refuse('the line gives no price; add input = "...", output = "...", a discount, or free = true')
    since, until = table.day("from"), table.day("until")
    if since and until and until <= since:
        raise table.refuse(f"'until' {until} is not after 'from' {since}; 'until' is the first day after the line")
    return PriceLine(
        provider=table.text("provider").lower(),
        model=table.text("model").lower(),
        since=since,
        until=until,
        service_tier=table.text("service_tier").lower() if "service_tier" in table.values else "",
        rates=rates,
        discount=discount,
        free=free,
        source=table.text("source") if "source" in table.values else "",
        place=table.place,
    )


def matching(lines: Sequence[PriceLine], provider: str, models: Sequence[str], service_tier: str) -> list[PriceLine]:
    """The lines for a model under any of its names, for one service tier, at any time; the last one wins."""
    return [
        line
        for line in lines
        if line.service_tier == service_tier and any(line.applies(provider, one) for one in models)
    ]
