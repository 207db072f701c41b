"""Rates per token and what usage costs at them. Exact: Decimal in, Decimal out, no rounding anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING

from spanledger_collector.model import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanledger_collector.model import CostGrade, Usage

ZERO = Decimal(0)

# Parts of a bill in the order a bill is read, with the words for them.
PARTS = {
    "input": "uncached input",
    "audio_input": "audio input",
    "cache_read": "cached input",
    "cache_write_5m": "cache write 5m",
    "cache_write_1h": "cache write 1h",
    "output": "output",
    "reasoning": "reasoning",
    "audio_output": "audio output",
}


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per single token; None where the price line gives no rate for that part."""

    input: Decimal | None = None
    audio_input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None
    audio_output: Decimal | None = None
    reasoning: Decimal | None = None  # None: as output
    request: Decimal = ZERO  # per call

    def given(self) -> dict[str, Decimal]:
        """The rates that are there, by part."""
        return {part: rate for part in PARTS if (rate := getattr(self, part)) is not None}

    def scaled(self, shares: Mapping[str, Decimal]) -> Rates:
        """Each part times its share; a part without a share has no rate."""
        parts = {part: rate * shares[part] for part, rate in self.given().items() if part in shares}
        return Rates(**parts, request=self.request)


def complete(given: Mapping[str, Decimal], request: Decimal = ZERO) -> Rates:
    """Rates where a part without its own rate is billed as the part it is contained in.

    Providers that do not list cached or audio tokens apart bill them as plain input. Where cache writes do cost
    extra, the longer lifetime costs more than the shorter: without a rate of its own it has none.
    """
    rates = dict(given)
    contained = [("audio_input", "input"), ("cache_read", "input"), ("audio_output", "output")]
    if "cache_write_5m" not in rates:
        contained += [("cache_write_5m", "input"), ("cache_write_1h", "input")]
    for part, container in contained:
        if part not in rates and container in rates:
            rates[part] = rates[container]
    return Rates(**rates, request=request)


@dataclass(frozen=True, slots=True)
class Card:
    """The rates that hold for one model, tier and time: a step per prompt size, the largest first."""

    price: str  # "openai/gpt-4.1@2025-04-14"
    steps: tuple[tuple[int, Rates], ...] = ()  # (input tokens above which it holds, rates)
    source: str = ""
    problem: str = ""  # why this card prices nothing
    gaps: Mapping[str, str] = field(default_factory=dict)  # part -> why it has no rate
    notes: tuple[str, ...] = ()

    def rates(self, input_tokens: int) -> Rates:
        """The rates for a call of that prompt size: the whole call is billed by its step."""
        for above, rates in self.steps:
            if input_tokens > above:
                return rates
        return self.steps[-1][1]


def bill(usage: Usage, rates: Rates) -> Iterator[tuple[str, int, Decimal | None]]:
    """(part, tokens, rate) for every part with tokens; the rate is None where the line has none."""
    separate = usage.reasoning if rates.reasoning is not None else 0
    counts = (
        ("input", usage.uncached_input),
        ("audio_input", usage.audio_input),
        ("cache_read", usage.cache_read),
        ("cache_write_5m", usage.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h),
        ("output", usage.output - separate),
        ("reasoning", separate),
        ("audio_output", usage.audio_output),
    )
    for part, tokens in counts:
        if tokens:
            yield part, tokens, getattr(rates, part)


# Which amount of a Cost a part is summed into.
_AMOUNT = {
    "input": "input",
    "audio_input": "input",
    "cache_read": "cache_read",
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "output": "output",
    "reasoning": "output",
    "audio_output": "output",
}


def charge(usage: Usage, card: Card, grade: CostGrade, reason: str) -> Cost:
    """What the usage costs by the card; unknown, with the reason, when a part of it has no rate."""
    rates = card.rates(usage.input_tokens)
    amounts = {"input": ZERO, "cache_read": ZERO, "cache_write": ZERO, "output": ZERO}
    for part, tokens, rate in bill(usage, rates):
        if rate is None:
            return Cost(total=None, price=card.price, reason=missing_rate(card, part))
        amounts[_AMOUNT[part]] += rate * tokens
    total = sum(amounts.values(), rates.request)
    return Cost(total, **amounts, other=rates.request, grade=grade, price=card.price, reason=reason)


def missing_rate(card: Card, part: str) -> str:
    why = card.gaps.get(part) or f"the price line {card.price} has no rate for {PARTS[part]} tokens"
    return f"{why}; give one in the price overrides file"


assert {one.name for one in fields(Rates)} == {*PARTS, "request"}
