"""The price book: what a call costs, by which price line, and why where it does not know."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from spanledger_collector.model import Cost
from spanledger_collector.pricing import aliases, published, regions, service_tiers
from spanledger_collector.pricing import overrides as price_lines
from spanledger_collector.pricing.documents import SHIPPED
from spanledger_collector.pricing.identity import Providers, base_of, find_model, spellings
from spanledger_collector.pricing.rates import Card, charge
from spanledger_collector.pricing.regions import region_of
from spanledger_collector.pricing.tariff import Pricing, Tariff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from spanledger_collector.model import Call, CostGrade, Usage
    from spanledger_collector.pricing.overrides import PriceLine

MOST_KEPT = 20_000  # tariffs: names come from spans, so a stranger must not grow this without bound

_CUT_SHORT = "the stream was cut short: tokens up to the cut are priced, the provider may bill more"
_GIVE_ONE = "; give one in the price overrides file"
_MODELLED = "token counts are modelled, not reported by the provider"


@dataclass(frozen=True, slots=True)
class BookDescription:
    """Which prices are in use: shown on the status page and beside every total."""

    version: str  # "genai-prices 0.2.3"
    newest_line: date | None  # the newest day from which one of its lines holds: the book is at least that young
    age_days: int | None
    models: int
    patches: int  # our dated lines over the book
    overrides: int  # the deployment's own lines


class Book:
    """Prices of the published book under our patches and the deployment's overrides. Safe to share between threads."""

    def __init__(self, overrides: Path | None = None) -> None:
        """Raises PriceFileError, naming line and remedy, when the overrides file cannot be used."""
        self._providers = Providers(SHIPPED / "providers.toml")
        self._tiers = service_tiers.read(SHIPPED / "service_tiers.toml")
        self._patches = price_lines.read(SHIPPED / "prices.toml")
        self._regions = regions.read(SHIPPED / "regions.toml")
        self._overrides = price_lines.read(overrides) if overrides else []
        self._from_file = self._overrides
        self.lines: Sequence[PriceLine] = ()  # given by ``use``; others whenever it was called
        self._aliases = aliases.read(overrides) if overrides else []
        self._tariffs: dict[tuple[str, str, str, str, str, str], Tariff] = {}

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_tariffs": {}}

    def price(self, call: Call) -> Cost:
        """What the call costs in US dollars; never raises, and never zero for what is not known."""
        if call.reported_cost is not None:
            return Cost(call.reported_cost, grade="provider", price=f"{call.provider}/reported")
        usage = call.usage
        if usage is None:
            return Cost(total=None, reason=call.usage_note or _without_usage(call))
        if usage.grade == "absent":
            return Cost(total=None, reason=_without_usage(call))
        if call.usage_note and usage.grade != "modelled":
            return Cost(total=None, reason=f"the reported tokens contradict one another: {call.usage_note}")
        card = self._card(call)
        if card.problem:
            return Cost(total=None, price=card.price, reason=card.problem)
        grade, reason = _grade(usage, call.usage_note)
        return charge(usage, card, grade, reason)

    def explain(self, call: Call) -> str:
        """Which price line, from when, from which source, and the arithmetic: lines of text for a reader."""
        from spanledger_collector.pricing.explanation import explanation

        return explanation(call, self.price(call), self._card(call))

    def use(self, lines: Sequence[PriceLine]) -> None:
        """Lay these lines over those of the overrides file, in place of any given before."""
        self.lines = lines
        self._overrides = [*self._from_file, *lines]
        self._tariffs = {}

    def under(self, lines: Sequence[PriceLine]) -> Book:
        """The same book with these lines over all others; this one stays as it is."""
        other = copy.copy(self)
        other._from_file = self._overrides  # noqa: SLF001 - of its own kind
        other.use(lines)
        return other

    def provider(self, call: Call) -> str:
        """The id of the price list the call is billed by; empty when none is known."""
        return self._providers.identify(call.provider, call.server_address, call.model)

    def is_standard(self, service_tier: str) -> bool:
        """Whether a service tier's name means the standard price."""
        return not self._tiers.canonical(service_tier)

    def describe(self) -> BookDescription:
        today = datetime.now(timezone.utc).date()
        newest = published.newest_line(today)
        return BookDescription(
            version=published.name(),
            newest_line=newest,
            age_days=(today - newest).days if newest else None,
            models=published.size(),
            patches=len(self._patches),
            overrides=len(self._overrides),
        )

    def _card(self, call: Call) -> Card:
        key = (call.provider, call.server_address, call.request_model, call.model, call.service_tier, call.region)
        tariffs = self._tariffs  # ``use`` gives the book new ones: what is found by old lines stays in the old
        tariff = tariffs.get(key)
        if tariff is None:
            if len(tariffs) >= MOST_KEPT:
                tariffs.clear()
            tariff = tariffs[key] = self._tariff(call)
        return tariff.card(call.start_ns)

    def _tariff(self, call: Call) -> Tariff:
        model, provider = call.model, self.provider(call)
        region = region_of(call.server_address, model, call.region, self._regions.standard)
        problem = "" if provider else _no_provider(call.provider, call.server_address)
        tier = self._tiers.canonical(call.service_tier)
        pricing = self._pricing(provider or call.provider.lower(), call, tier, region)
        if not _priced(pricing):
            problem = problem or _no_model(pricing.provider, model)
        elif region and self._unknown_region(pricing):
            problem = f"no price for region '{region}' of model '{model}' at {pricing.provider}{_GIVE_ONE}"
        else:
            return pricing.tariff()
        card = Card(f"{pricing.provider}/{model}@unlisted", problem=problem)
        return Tariff(lambda _: card)

    def _unknown_region(self, pricing: Pricing) -> bool:
        if pricing.premium or pricing.overrides or pricing.tier_lines:
            return False
        return self._regions.unknown(pricing.provider, pricing.listed.name if pricing.listed else "")

    def _pricing(self, provider: str, call: Call, tier: str, region: str) -> Pricing:
        model, requested = aliases.resolved(self._aliases, provider, call.model), call.request_model
        listed = find_model(provider, model)
        if listed is None and requested and model.lower().startswith(requested.lower()):
            listed = find_model(provider, requested)  # the alias that was asked for, answered by its newest snapshot
        asked, name = spellings(model), listed.name.lower() if listed else ""

        def lines(of: Sequence[PriceLine], for_tier: str) -> list[PriceLine]:
            return price_lines.matching(of, provider, asked, name, for_tier)

        return Pricing(
            provider=provider,
            model=model,
            service_tier=tier,
            listed=listed,
            rule=self._tiers.rule(provider, tier) if tier else None,
            patches=lines(self._patches, ""),
            overrides=lines(self._overrides, ""),
            tier_lines=[*lines(self._patches, tier), *lines(self._overrides, tier)] if tier else [],
            premium=self._regions.premium(provider, asked, region) if region else None,
        )


def _priced(pricing: Pricing) -> bool:
    """Whether anything says what the model costs: the book, the deployment, or a patch that stands by itself."""
    own = pricing.overrides or pricing.tier_lines or any(line.lists for line in pricing.patches)
    return pricing.listed is not None or bool(own)


def _grade(usage: Usage, note: str) -> tuple[CostGrade, str]:
    if usage.grade == "measured":
        return "measured", ""
    return "modelled", note or (_CUT_SHORT if usage.grade == "partial" else _MODELLED)


def _without_usage(call: Call) -> str:
    if call.outcome == "ok":
        return "the provider reported no token usage; for a stream, ask for it (OpenAI: stream_options.include_usage)"
    return f"the call ended as '{call.outcome}' before any token usage was reported"


def _no_provider(named: str, server_address: str) -> str:
    if not named:
        return f"the span names no provider, and its host '{server_address}' is none whose prices are known"
    return (
        f"no price list for provider '{named}' at host '{server_address}'; "
        "give its prices in the price overrides file under that provider"
    )


def _no_model(provider: str, model: str) -> str:
    if not model:
        return f"the span names no model, so no price at {provider} can be told"
    base = base_of(model)
    near = f" ('{base}' has one, this snapshot does not)" if base and find_model(provider, base) else ""
    return (
        f"no price for model '{model}' at {provider}{near}; give one in the price overrides file or update genai-prices"
    )
