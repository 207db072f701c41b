"""Deployment names that a price list cannot know: what they stand for, from the price overrides file.

[[alias]]
provider = "azure"          # as in the price book; "*" for any
model = "prod-chat-*"       # the name that calls carry; * and ? match any text
is = "gpt-4.1"              # the name in the price book
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from spanledger_collector.pricing.documents import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from spanledger_collector.pricing.documents import Table


@dataclass(frozen=True, slots=True)
class Alias:
    """One ``[[alias]]`` of a file."""

    provider: str
    model: str
    stands_for: str


def read(path: Path) -> list[Alias]:
    """The aliases of a price file; raises PriceFileError with the line, the value and the remedy."""
    return [_alias(table) for table in tables(path, "alias")]


def _alias(table: Table) -> Alias:
    table.only(("provider", "model", "is"))
    return Alias(table.text("provider").lower(), table.text("model").lower(), table.text("is"))


def resolved(aliases: Sequence[Alias], provider: str, model: str) -> str:
    """The model's name in the price book; the last alias that matches wins, without one it is the name itself."""
    name = model.lower().rpartition("/")[2]
    for alias in reversed(aliases):
        if alias.provider in (provider, "*") and (
            fnmatchcase(model.lower(), alias.model) or fnmatchcase(name, alias.model)
        ):
            return alias.stands_for
    return model
