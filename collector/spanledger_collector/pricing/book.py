"""The price book: what a call costs, by which price line, and why where it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector.model import Cost
from spanledger_collector.pricing import overrides as price_lines
from spanledger_collector.pricing import published, service_tiers
from spanledger_collector.pricing.identity import Providers, base_of, find_model, spellings
from spanledger_collector.pricing.rates import Card, charge
from spanledger_collector.pricing.tariff import Pricing, Tariff

if TYPE_CHECKING:
    from spanledger_collector.model import Call, CostGrade, Usage

DATA = Path(__file__).parent / "data"
MOST_KEPT = 20_000  # tariffs: names come from spans, so a stranger must not grow this without bound

_CUT_SHORT = "the stream was cut short: tokens up to the cut are priced, the provider may bill more"
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
        self._providers = Providers(DATA / "providers.toml")
        self._tiers = service_tiers.read(DATA / "service_tiers.toml")
        self._patches = price_lines.read(DATA / "prices.toml")
        self._overrides = price_lines.read(overrides) if overrides else []
        self._tariffs: dict[tuple[str, str, str, str, str], Tariff] = {}

    def price(self, call: Call) -> Cost:
        """What the call costs in US dollars; never raises, and never zero for what is not known."""
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

    def describe(self) -> BookDescription:
        today = datetime.now(timezone.utc).date()
        newest = published.newest_line(today)
        return BookDescription(
            version=published.NAME,
            newest_line=newest,
            age_days=(today - newest).days if newest else None,
            models=published.size(),
            patches=len(self._patches),
            overrides=len(self._overrides),
        )

    def _card(self, call: Call) -> Card:
        key = (call.provider, call.server_address, call.request_model, call.model, call.service_tier)
        tariff = self._tariffs.get(key)
        if tariff is None:
            if len(self._tariffs) >= MOST_KEPT:
                self._tariffs.clear()
            tariff = self._tariffs[key] = self._tariff(*key)
        return tariff.card(call.start_ns)

    def _tariff(self, named: str, server_address: str, requested: str, model: str, service_tier: str) -> Tariff:
        provider = self._providers.identify(named, server_address, model)
        if not provider:
            provider, problem = named.lower(), _no_provider(named, server_address)
        else:
            problem = ""
        listed = find_model(provider, model)
        if listed is None and requested and model.lower().startswith(requested.lower()):
            listed = find_model(provider, requested)  # the alias that was asked for, answered by its newest snapshot
        names = [*spellings(model), *([listed.name.lower()] if listed else [])]
        tier = self._tiers.canonical(service_tier)
        pricing = Pricing(
            provider=provider,
            model=model,
            service_tier=tier,
            listed=listed,
            rule=self._tiers.rule(provider, tier) if tier else None,
            patches=price_lines.matching(self._patches, provider, names, ""),
            overrides=price_lines.matching(self._overrides, provider, names, ""),
            tier_lines=price_lines.matching(self._overrides, provider, names, tier) if tier else [],
        )
        if listed is None and not pricing.overrides and not pricing.tier_lines:
            card = Card(f"{provider}/{model}@unlisted", problem=problem or _no_model(provider, model))
            return Tariff(lambda _: card)
        return pricing.tariff()


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
