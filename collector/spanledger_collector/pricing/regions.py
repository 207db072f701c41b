"""Regions: where a call was processed, and what that costs beside the price book's list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from spanledger_collector.pricing.documents import PriceFileError, Table, parse, tables
from spanledger_collector.pricing.rates import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

_KEYS: Final = ("provider", "models", "names", "from", "shares", "source")
_LOCATION: Final = re.compile(r"(?:^|/)locations/([a-z0-9-]+)/")
_AZURE: Final = re.compile(r"^azure/([^/]+)/.")
_BEDROCK: Final = re.compile(r"(?:^|/)(eu|apac|ap|jp|au|ca|in|sa|us-gov)\.(?!anthropic\.)[a-z0-9]+\.")
_REGIONAL: Final = ("regional.", "global.")  # Bedrock models that the book lists by region
_OPENAI_HOST: Final = re.compile(r"^([a-z]{2})\.api\.openai\.com$")
_VERTEX_HOST: Final = re.compile(r"^([a-z0-9-]+)-aiplatform\.googleapis\.com$")


@dataclass(frozen=True, slots=True)
class Premium:
    """One ``[[region]]``: what models cost in a region, as shares of the listed price. A part without one has none."""

    provider: str
    models: tuple[str, ...]
    names: tuple[str, ...]
    since: datetime
    shares: Mapping[str, Decimal]
    source: str
    name: str = ""  # the region it was looked up for


@dataclass(frozen=True, slots=True)
class Regions:
    """The file: names that cost nothing extra, providers of which other regions are unknown, and the rules."""

    standard: frozenset[str]
    strict: frozenset[str]
    premiums: tuple[Premium, ...]

    def premium(self, provider: str, models: Sequence[str], region: str) -> Premium | None:
        for one in self.premiums:
            named = one.provider == provider and any(fnmatchcase(region, name) for name in one.names)
            if named and any(fnmatchcase(model, pattern) for model in models for pattern in one.models):
                return Premium(one.provider, one.models, one.names, one.since, one.shares, one.source, region)
        return None

    def unknown(self, provider: str, listed: str) -> bool:
        """Whether a region without a rule has a price that nobody told us, for the model as it is listed."""
        return provider in self.strict and not listed.startswith(_REGIONAL)


def region_of(server_address: str, model: str, reported: str, standard: frozenset[str]) -> str:
    """The region in lower case, from what the provider reported, the model's path or the host; empty for none."""
    host, name = server_address.lower(), model.lower()
    found = (pattern.search(text) for pattern, text in _places(host, name))
    region = reported.lower() or next((match[1] for match in found if match), "")
    return "" if region in standard else region


def _places(host: str, name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return ((_LOCATION, name), (_AZURE, name), (_BEDROCK, name), (_OPENAI_HOST, host), (_VERTEX_HOST, host))


def read(path: Path) -> Regions:
    """The rules of a file; raises PriceFileError with the line, the value and the remedy."""
    document = parse(path)
    for key in ("standard", "strict"):
        if not isinstance(document.get(key), list):
            raise PriceFileError(f"{path}: '{key}' is {document.get(key)!r}; list the names")
    premiums = tuple(_premium(table) for table in tables(path, "region"))
    return Regions(frozenset(document["standard"]), frozenset(document["strict"]), premiums)


def _premium(table: Table) -> Premium:
    table.only(_KEYS)
    since = table.moment("from")
    if since is None:
        raise table.refuse("'from' is missing; write the first day of the premium: from = 2026-03-05")
    shares = Table(table.values.get("shares", {}), table.place)
    shares.only(PARTS)
    return Premium(
        provider=table.text("provider"),
        models=tuple(table.texts("models")),
        names=tuple(table.texts("names")),
        since=since,
        shares={part: share for part in PARTS if (share := shares.amount(part)) is not None},
        source=table.text("source"),
    )
