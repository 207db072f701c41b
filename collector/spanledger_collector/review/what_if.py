"""What a period would have cost on another model, price list, cache hit rate or batch share: estimates, per feature.

Rates are those of a short call: long-context tiers are left out. What has no known rate is unknown, never free.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.model import Call, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from spanledger_collector.pricing import Book
    from spanledger_collector.review.ledger import Row

_SAMPLE: Final = 1000  # tokens of each part in the call that is priced
_OF_ONE: Final = {
    "input": Usage(uncached_input=_SAMPLE),
    "cache_read": Usage(cache_read=_SAMPLE),
    "cache_write": Usage(cache_write_5m=_SAMPLE),
    "output": Usage(output=_SAMPLE),
}
Tokens = dict[str, Decimal]  # by the parts of _OF_ONE


@dataclass(frozen=True, slots=True)
class Scenario:
    """What differs; an empty or None field stays as it was. ``cache_hit`` and ``batch`` are shares of 0..1."""

    provider: str = ""
    model: str = ""
    cache_hit: Decimal | None = None
    batch: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """US dollars. ``then`` is None where a rate is not known; ``reason`` says which."""

    feature: str
    known: Decimal
    then: Decimal | None
    reason: str = ""


def estimates(rows: Sequence[Row], scenario: Scenario, books: tuple[Book, Book], at: datetime) -> list[Estimate]:
    """From rows of the query ``segments``; ``books`` price what was and what would have been. Dearest first."""
    groups: defaultdict[str, list[tuple[Decimal, Decimal | None, str]]] = defaultdict(list)
    for row in rows:
        if row["priced_calls"]:
            groups[row["feature"]].append((Decimal(row["cost"]), *_estimate(row, scenario, books, at)))
    found = [_together(feature, each) for feature, each in groups.items()]
    return sorted(found, key=lambda estimate: (-estimate.known, estimate.feature))


def _together(feature: str, each: Sequence[tuple[Decimal, Decimal | None, str]]) -> Estimate:
    known = sum((cost for cost, _, _ in each), Decimal(0))
    reason = next((reason for _, _, reason in each if reason), "")
    then = None if reason else sum((usd for _, usd, _ in each if usd is not None), Decimal(0))
    return Estimate(feature, known, then, reason)


def _estimate(row: Row, scenario: Scenario, books: tuple[Book, Book], at: datetime) -> tuple[Decimal | None, str]:
    """The known cost, moved by the difference of the two at the books' rates: what rates do not say cancels out."""
    tokens, cost = _tokens(row), Decimal(row["cost"])
    asked = scenario.provider or row["provider"], scenario.model or row["model"]
    moved = tokens if scenario.cache_hit is None else _cached(tokens, scenario.cache_hit)
    try:
        now = _cost(tokens, _rates(books[0], (row["provider"], row["model"]), "", at))
        then = _cost(moved, _rates(books[1], asked, "", at))
        if scenario.batch:
            batched = _cost(moved, _rates(books[1], asked, "batch", at))
            then += (batched - then) * scenario.batch
    except LookupError as error:
        return None, str(error.args[0])
    return cost + then - now, ""


def _tokens(row: Row) -> Tokens:
    read, written = Decimal(row["cache_read_tokens"]), Decimal(row["cache_write_tokens"])
    uncached = max(Decimal(0), Decimal(row["input_tokens"]) - read - written)
    return {"input": uncached, "cache_read": read, "cache_write": written, "output": Decimal(row["output_tokens"])}


def _cached(tokens: Tokens, hit: Decimal) -> Tokens:
    """That share of all input read from the cache; what is still written is in proportion to what is not read."""
    whole = tokens["input"] + tokens["cache_read"] + tokens["cache_write"]
    rest = tokens["input"] + tokens["cache_write"]
    written = whole * (1 - hit) * (tokens["cache_write"] / rest if rest else Decimal(0))
    return tokens | {"cache_read": whole * hit, "cache_write": written, "input": whole * (1 - hit) - written}


def _cost(tokens: Tokens, rate: Callable[[str], Decimal]) -> Decimal:
    return sum((count * rate(part) for part, count in tokens.items() if count), Decimal(0))


def _rates(book: Book, asked: tuple[str, str], tier: str, at: datetime) -> Callable[[str], Decimal]:
    """US dollars per token by part; raises LookupError with the book's reason for a part of unknown price."""
    known: dict[str, Decimal] = {}

    def rate(part: str) -> Decimal:
        if part not in known:
            cost = book.price(_call(asked, tier, at, _OF_ONE[part]))
            if cost.total is None:
                raise LookupError(cost.reason)
            known[part] = cost.total / _SAMPLE
        return known[part]

    return rate


def _call(asked: tuple[str, str], tier: str, at: datetime, usage: Usage) -> Call:
    provider, model = asked
    return Call(
        trace_id=b"", span_id=b"", parent_span_id=b"", start_ns=int(at.timestamp()) * 10**9, duration_ns=0, dialect="",
        service="", service_version="", environment="", provider=provider, server_address="", operation="chat",
        request_model=model, model=model, response_id="", stream=False, outcome="ok", error_type="", http_status=200,
        finish_reason="stop", service_tier=tier, attempts=1, first_chunk_ns=None, usage=usage,
    )  # fmt: skip
