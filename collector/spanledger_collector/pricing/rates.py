"""Rates per unit and what usage costs at them. Exact: Decimal in, Decimal out, rounded only by the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from spanledger_collector.model import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanledger_collector.model import CostGrade, Usage

_T = TypeVar("_T")

ZERO = Decimal(0)
SECONDS_PER_HOUR: Final = 3600


class Part(NamedTuple):
    """One kind of thing that is billed."""

    words: str
    amount: str  # which amount of a Cost it is summed into
    per: int = 1_000_000  # units that a rate in a price file is for
    label: str = "M"  # the same on a bill


def _each(words: str) -> Part:
    return Part(words, "other", 1000, "1K")


# In the order a bill is read; those without a column of their own stand in ``Usage.other``.
PARTS: Final[dict[str, Part]] = {
    "input": Part("uncached input", "input"),
    "audio_input": Part("audio input", "input"),
    "image_input": Part("image input", "input"),
    "video_input": Part("video input", "input"),
    "cache_read": Part("cached input", "cache_read"),
    "cache_read_audio": Part("cached audio input", "cache_read"),
    "cache_read_image": Part("cached image input", "cache_read"),
    "cache_write_5m": Part("cache write 5m", "cache_write"),
    "cache_write_1h": Part("cache write 1h", "cache_write"),
    "output": Part("output", "output"),
    "reasoning": Part("reasoning", "output"),
    "citation": Part("citation", "output"),
    "audio_output": Part("audio output", "output"),
    "image_output": Part("image output", "output"),
    "video_output": Part("video output", "output"),
    "characters": Part("characters", "other"),
    "audio_seconds": Part("audio seconds", "other", SECONDS_PER_HOUR, "h"),
    "web_searches": _each("web searches"),
    "file_searches": _each("file searches"),
    "search_units": _each("search units"),
    "sources": _each("live search sources"),
    "server_tools": _each("server-side tool calls"),
    "pages": _each("pages"),
    "annotated_pages": _each("annotated pages"),
    "images": _each("images"),
    "classifications": _each("classifications"),
}


def scale(part: str, quoted: Decimal) -> Decimal:
    """A rate as price files quote it, for a single unit; hours stay hours, a 3600th of a rate has no last digit."""
    per = PARTS[part].per
    return quoted if per == SECONDS_PER_HOUR else quoted / per


def quoted(part: str, rate: Decimal) -> Decimal:
    """The rate as price files and bills quote it."""
    per = PARTS[part].per
    return rate if per == SECONDS_PER_HOUR else rate * per


def charged(part: str, rate: Decimal, count: int) -> Decimal:
    """What that many units cost."""
    return rate * count / SECONDS_PER_HOUR if part == "audio_seconds" else rate * count


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per single unit by part; a part that is absent has no rate, reasoning then costs what output does."""

    parts: Mapping[str, Decimal] = field(default_factory=dict)
    request: Decimal = ZERO  # per call
    unknown: frozenset[str] = frozenset()  # parts known to be billed apart, at a rate that nobody told us
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)  # part -> lines that priced it

    def scaled(self, shares: Mapping[str, Decimal]) -> Rates:
        """Each part times its share; a part without a share has no rate."""
        scaled = {part: rate * shares[part] for part, rate in self.parts.items() if part in shares}
        return Rates(scaled, self.request, self.unknown, self.notes)


_CONTAINED: Final = (
    ("audio_input", "input"),
    ("image_input", "input"),
    ("video_input", "input"),
    ("cache_read", "input"),
    ("audio_output", "output"),
    ("image_output", "output"),
    ("video_output", "output"),
)


def complete(given: Mapping[str, _T]) -> dict[str, _T]:
    """Rates, or what is told of them, where a part without its own is billed as the part it is contained in.

    Providers that do not list cached or audio tokens apart bill them as plain input. Where cache writes do cost
    extra, the longer lifetime costs more than the shorter: without a rate of its own it has none. So has cached audio
    where audio has one.
    """
    rates = dict(given)
    contained = [*_CONTAINED]
    contained += [(f"cache_read_{kind}", "cache_read") for kind in ("audio", "image") if f"{kind}_input" not in given]
    if "cache_write_5m" not in rates:
        contained += [("cache_write_5m", "input"), ("cache_write_1h", "input")]
    for part, container in contained:
        if part not in rates and container in rates:
            rates[part] = rates[container]
    return rates


@dataclass(frozen=True, slots=True)
class Card:
    """The rates that hold for one model, tier and time: a step per prompt size, the largest first."""

    price: str  # "openai/gpt-4.1@2025-04-14"
    steps: tuple[tuple[int, Rates], ...] = ()  # (input tokens above which it holds, rates)
    source: str = ""
    problem: str = ""  # why this card prices nothing
    gaps: tuple[tuple[int, str, str], ...] = ()  # (input tokens above which, part, why it has no rate), smallest first
    needs: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # part -> (what must be counted apart, why)
    notes: tuple[str, ...] = ()  # what is behind all rates; what is behind a part's is with the rates

    def rates(self, input_tokens: int) -> Rates:
        """The rates for a call of that prompt size: the whole call is billed by its step."""
        for above, rates in self.steps:
            if input_tokens > above:
                return rates
        return self.steps[-1][1]


def bill(usage: Usage, rates: Rates) -> Iterator[tuple[str, int, Decimal | None]]:
    """(part, count, rate) for every part that was used; the rate is None where the line has none."""
    given = rates.parts
    separate = usage.reasoning if "reasoning" in given or "reasoning" in rates.unknown else 0
    counts = (
        ("input", usage.uncached_input),
        ("audio_input", usage.audio_input),
        ("cache_read", usage.cache_read),
        ("cache_write_5m", usage.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h),
        ("output", usage.output - separate),
        ("reasoning", separate),
        ("audio_output", usage.audio_output),
        *usage.other,
    )
    for part, count in counts:
        if count:
            yield part, count, given.get(part)


def charge(usage: Usage, card: Card, grade: CostGrade, reason: str) -> Cost:
    """What the usage costs by the card; unknown, with the reason, when a part of it has no rate."""
    rates = card.rates(usage.input_tokens)
    amounts = {"input": ZERO, "cache_read": ZERO, "cache_write": ZERO, "output": ZERO, "other": rates.request}
    for part, count, rate in bill(usage, rates):
        if rate is None and PARTS[part].label == "M" and _is_by_unit(usage, rates):
            continue  # a model sold by the hour or page counts tokens that it does not bill
        if (rate is None or part in card.needs) and (problem := _problem(usage, card, part, rate)):
            return Cost(total=None, price=card.price, reason=problem)
        amounts[PARTS[part].amount] += charged(part, rate or ZERO, count)
    return Cost(sum(amounts.values(), ZERO), **amounts, grade=grade, price=card.price, reason=reason)


def _is_by_unit(usage: Usage, rates: Rates) -> bool:
    return not rates.parts.keys() & {"input", "output"} and any(part in rates.parts for part, _ in usage.other)


def _problem(usage: Usage, card: Card, part: str, rate: Decimal | None) -> str:
    """Why that part cannot be charged; empty when it can."""
    apart, why = card.needs.get(part, ("", ""))
    if apart and all(name != apart for name, _ in usage.other):
        return f"{why}; give one in the price overrides file"
    return missing_rate(card, part, usage.input_tokens) if rate is None else ""


def missing_rate(card: Card, part: str, input_tokens: int) -> str:
    known = [why for above, name, why in card.gaps if name == part and input_tokens > above]
    why = known[-1] if known else f"the price line {card.price} has no rate for {PARTS[part].words}"
    return f"{why}; give one in the price overrides file"
