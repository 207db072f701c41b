"""The published price book, genai-prices: the only file that knows that library's types.

A model's prices are constant between midnights (UTC) at which a line starts and the daily hours of peak prices;
``cuts`` names those instants, so that what was resolved once may be kept until the next of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import genai_prices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseOr,
    ClauseStartsWith,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from spanledger_collector.pricing.rates import ZERO, scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genai_prices.types import ConditionalPrice, ModelInfo, PriceVariant, Provider

_BUNDLED = f"genai-prices {genai_prices.__version__}"
_edition = _BUNDLED

# The book's units and the parts of a bill they price.
_UNITS = {
    "input_mtok": "input",
    "input_audio_mtok": "audio_input",
    "input_image_mtok": "image_input",
    "input_video_mtok": "video_input",
    "cache_read_mtok": "cache_read",
    "cache_audio_read_mtok": "cache_read_audio",
    "cache_image_read_mtok": "cache_read_image",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_citation_mtok": "citation",
    "output_audio_mtok": "audio_output",
    "output_image_mtok": "image_output",
    "output_video_mtok": "video_output",
    "input_mchars": "characters",
    "audio_hours": "audio_seconds",
    "input_audio_hours": "audio_seconds",
    "web_searches_kcount": "web_searches",
    "storage_searches_kcount": "file_searches",
    "input_document_kpages": "pages",
    "input_annotated_document_kpages": "annotated_pages",
}
# Where a kind has a rate of its own, the rest can be charged only when usage counts that kind apart.
_APART = {
    "output_image_mtok": ("output", "image_output", "image output"),
    "output_video_mtok": ("output", "video_output", "video output"),
    "output_citation_mtok": ("output", "citation", "citation output"),
    "input_image_mtok": ("input", "image_input", "image input"),
}
_PER_CALL = "requests_kcount"
_PER_THOUSAND = -3


@dataclass(frozen=True, slots=True)
class Listing:
    """What the book lists for a model at one time: US dollars per token by part, per prompt size."""

    since: datetime | None  # None: the book does not date this line
    steps: tuple[tuple[int, Mapping[str, Decimal]], ...]  # (input tokens above which, rates), the largest first
    request: Decimal = ZERO
    needs: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # part -> (what must be counted apart, why)
    other_units: tuple[str, ...] = ()  # units a span does not count, when the line prices nothing else


@dataclass(frozen=True)
class PublishedModel:
    """One model of the book, as one provider sells it."""

    provider: str  # whose list it stands in
    info: ModelInfo
    own: bool  # False: found in another provider's list; that provider's tiers do not apply

    @property
    def name(self) -> str:
        return self.info.id

    def cuts(self) -> tuple[set[datetime], set[time]]:
        """Midnights and times of day (UTC) at which the price may change."""
        days: set[datetime] = set()
        hours: set[time] = set()
        conditions = [one.constraint for one in self._conditional()] + [one.constraint for one in self._variants()]
        for constraint in conditions:
            if isinstance(constraint, StartDateConstraint):
                days.add(_midnight(constraint.start_date))
            elif isinstance(constraint, TimeOfDateConstraint):
                hours |= {_utc(constraint.start_time), _utc(constraint.end_time)}
        return days, hours

    def standard(self, moment: datetime) -> Listing:
        """What holds at that time without any service tier. The last line whose condition is met wins."""
        constraints = [one.constraint for one in reversed(self._conditional())]
        holding = next((one for one in constraints if one is None or one.active(moment)), None)
        return _listing(self.info.get_prices(moment), _start(holding))

    def tier(self, moment: datetime, context: Mapping[str, str]) -> Listing | None:
        """The book's own line for a service tier; None where it has none in force at that time."""
        for variant in self._variants():
            active = variant.constraint is None or variant.constraint.active(moment)
            if active and variant.when == dict(context):
                return _listing(self.info.get_prices(moment, dict(context)), _start(variant.constraint))
        return None

    def next_tier(self, moment: datetime, context: Mapping[str, str]) -> datetime | None:
        """The first later day on which the book has its own line for the tier."""
        starts = [_start(variant.constraint) for variant in self._variants() if variant.when == dict(context)]
        return min((start for start in starts if start and start > moment), default=None)

    def _conditional(self) -> list[ConditionalPrice]:
        return self.info.prices if isinstance(self.info.prices, list) else []

    def _variants(self) -> list[PriceVariant]:
        return (self.info.price_variants or []) if self.own else []


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)


def _start(constraint: StartDateConstraint | TimeOfDateConstraint | None) -> datetime | None:
    return _midnight(constraint.start_date) if isinstance(constraint, StartDateConstraint) else None


def _utc(of_day: time) -> time:
    zoned = of_day if of_day.tzinfo else of_day.replace(tzinfo=timezone.utc)
    return datetime.combine(date(1970, 1, 2), zoned).astimezone(timezone.utc).time()


def _listing(price: ModelPrice, since: datetime | None) -> Listing:
    units = {unit: value for unit, value in vars(price).items() if value is not None}
    priced = {unit: value for unit, value in units.items() if unit in _UNITS}
    starts = {0 - 1} | {
        tier.start for value in priced.values() if isinstance(value, TieredPrices) for tier in value.tiers
    }
    steps = tuple((start, _rates_above(start, priced)) for start in sorted(starts, reverse=True))
    per_call = units.get(_PER_CALL)
    return Listing(
        since=since,
        steps=steps,
        request=per_call.scaleb(_PER_THOUSAND) if isinstance(per_call, Decimal) else ZERO,
        needs=dict(_apart(units)),
        other_units=() if priced else tuple(sorted(units)),
    )


def _rates_above(start: int, priced: Mapping[str, Decimal | TieredPrices]) -> dict[str, Decimal]:
    rates: dict[str, Decimal] = {}
    for unit, value in priced.items():
        at = value if isinstance(value, Decimal) else _tier_price(value, start)
        rates[_UNITS[unit]] = scale(_UNITS[unit], at)
    return rates


def _tier_price(value: TieredPrices, start: int) -> Decimal:
    reached = [tier.price for tier in value.tiers if tier.start <= start]
    return reached[-1] if reached else value.base


def _apart(units: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, str]]]:
    for unit, (part, kind, words) in _APART.items():
        if unit in units:
            yield (
                part,
                (kind, f"{words} has a rate of its own here, and the usage does not say how much of it there was"),
            )


# Who names models of its own: there a word that the book's loose match leaves over names another model.
_MAKERS = frozenset({"openai", "anthropic", "google", "x-ai", "deepseek", "cohere"})
_PLAIN = re.compile(r"(?:[-@:._]|latest|preview|exp|experimental|beta|stable|v?\d+|vision)*")


def _rest(match: object, name: str) -> str:
    """What of the name the book's clause that fits best leaves unread."""
    if name.startswith("ft:"):
        return ""  # what follows is the customer's own name
    if isinstance(match, ClauseOr):
        fitting = [_rest(one, name) for one in match.or_ if one.is_match(name)]
        return min(fitting, key=len, default="")
    if isinstance(match, ClauseAnd):
        return max((_rest(one, name) for one in match.and_), key=len)
    if isinstance(match, ClauseStartsWith):
        return name[len(match.starts_with) :]
    if isinstance(match, ClauseContains):
        return name.partition(match.contains.lower())[2]
    return ""


def _is_plain(rest: str) -> bool:
    """Whether only dates, versions and stages are left: ``-20250929``, ``@001``, ``-latest``; never ``-ultra``."""
    return _PLAIN.fullmatch(rest) is not None


def find(provider_id: str, model: str) -> PublishedModel | None:
    """The model as the provider sells it; None when the book does not list it."""
    provider = providers().get(provider_id)
    info = provider.find_model(model, all_providers=get_snapshot().providers) if provider else None
    if provider is None or info is None or (provider_id in _MAKERS and not _is_plain(_rest(info.match, model.lower()))):
        return None
    own = any(info is one for one in provider.models)
    return PublishedModel(provider_id if own else _seller(info), info, own=own)


def _seller(info: ModelInfo) -> str:
    """The provider whose list an entry stands in: clouds sell models from the list of their maker."""
    return next(one.id for one in providers().values() if any(info is model for model in one.models))


def name() -> str:
    """Which edition of the book is in use."""
    return _edition


def use(edition: list[Provider] | None, called: str = "") -> None:
    """Price by another edition in this process; None for the bundled one. Books made before keep what they resolved."""
    global _edition  # noqa: PLW0603 - the library keeps its edition by process too
    set_custom_snapshot(DataSnapshot(edition, from_auto_update=False) if edition is not None else None)
    _edition = called or _BUNDLED
    providers.cache_clear()
    newest_line.cache_clear()


def in_use() -> tuple[list[Provider], str] | None:
    """What `use` was given; None for the bundled edition."""
    return None if _edition == _BUNDLED else (get_snapshot().providers, _edition)


@cache
def providers() -> dict[str, Provider]:
    """The providers of the book by id."""
    return {one.id: one for one in get_snapshot().providers}


@cache
def newest_line(today: date) -> date | None:
    """The newest day up to ``today`` from which a line of the book holds: how far its knowledge reaches at least."""
    models = (PublishedModel(one.id, info, own=True) for one in providers().values() for info in one.models)
    days = {cut.date() for model in models for cut in model.cuts()[0]}
    return max((day for day in days if day <= today), default=None)


def size() -> int:
    """Models in the book, counted per provider that sells them."""
    return sum(len(provider.models) for provider in providers().values())


def homepage(provider_id: str) -> str:
    """Where the provider publishes its prices."""
    provider = providers().get(provider_id)
    urls = (provider.pricing_urls or []) if provider else []
    return urls[0] if urls else ""
