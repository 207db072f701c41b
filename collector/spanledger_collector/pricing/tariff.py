"""The prices of one model over time: resolved once for each stretch in which they are constant, then kept."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from spanledger_collector.pricing import published
from spanledger_collector.pricing.rates import Card, Rates, complete

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from spanledger_collector.pricing.overrides import PriceLine
    from spanledger_collector.pricing.published import Listing, PublishedModel
    from spanledger_collector.pricing.regions import Premium
    from spanledger_collector.pricing.service_tiers import TierRule

_SECOND = 1_000_000_000
_DAY_SECONDS = 86_400
_MAX_SECONDS = 253_402_300_799  # the last second of the year 9999, beyond which there is no datetime

Steps = tuple[tuple[int, Rates], ...]
Laid = dict[int, dict[str, "Decimal | None"]]  # by the input tokens above which it holds; None: known to be unknown


class Tariff:
    """Cards by time. A card is kept for the stretch between two cuts that the call's start falls into."""

    def __init__(
        self,
        resolve: Callable[[datetime], Card],
        cuts: Collection[datetime] = (),
        hours: Collection[time] = (),
        *,
        by_weekday: bool = False,
    ) -> None:
        self._resolve = resolve
        self._cuts = sorted(int(cut.timestamp()) * _SECOND for cut in cuts)
        self._hours = sorted(one.hour * 3600 + one.minute * 60 + one.second for one in hours)
        self._by_weekday = by_weekday
        self._cards: dict[tuple[int, int, int], Card] = {}

    def card(self, start_ns: int) -> Card:
        """What holds for a call that started then."""
        hour = bisect_right(self._hours, start_ns // _SECOND % _DAY_SECONDS) if self._hours else 0
        weekday = start_ns // (_SECOND * _DAY_SECONDS) % 7 if self._by_weekday else 0
        stretch = (bisect_right(self._cuts, start_ns), hour, weekday)
        card = self._cards.get(stretch)
        if card is None:
            card = self._cards[stretch] = self._resolve(_moment(start_ns))
        return card


def _moment(start_ns: int) -> datetime:
    seconds = max(0, min(start_ns // _SECOND, _MAX_SECONDS))
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Pricing:
    """What is known about one model at one provider in one service tier, whatever the time."""

    provider: str
    model: str
    service_tier: str  # empty: standard
    listed: PublishedModel | None
    rule: TierRule | None
    patches: Sequence[PriceLine]  # ours, for the standard price
    overrides: Sequence[PriceLine]  # the deployment's, for the standard price
    tier_lines: Sequence[PriceLine]  # both, for this service tier
    premium: Premium | None = None

    def tariff(self) -> Tariff:
        cuts, hours = self.listed.cuts() if self.listed else (set[datetime](), set[time]())
        lines = (*self.patches, *self.overrides, *self.tier_lines)
        dated = {moment for line in lines for moment in (line.since, line.until) if moment}
        starts = {one.since for one in (self.rule, self.premium) if one}
        hours |= {moment for line in lines for stretch in line.hours for moment in stretch}
        return Tariff(self._card, cuts | dated | starts, hours, by_weekday=any(line.weekdays for line in lines))

    def _card(self, moment: datetime) -> Card:
        card = _tier_card(self, moment) if self.service_tier else _standard_card(self, moment)
        contract = any(line.rates and line.holds(moment) for line in (*self.overrides, *self.tier_lines))
        return card if contract or self.premium is None or card.problem else _regional_card(card, self.premium, moment)


def _regional_card(card: Card, premium: Premium, moment: datetime) -> Card:
    if moment < premium.since:
        return card
    steps = tuple((above, rates.scaled(premium.shares)) for above, rates in card.steps)
    return replace(card, price=f"{card.price}+{premium.name}", steps=steps, notes=(*card.notes, premium.source))


def _standard_card(pricing: Pricing, moment: datetime) -> Card:
    listing = pricing.listed.standard(moment) if pricing.listed else None
    return _card(pricing, listing, [*pricing.patches, *pricing.overrides], moment)


def _tier_card(pricing: Pricing, moment: datetime) -> Card:
    """The tier's own lines first, then the book's, then the rule's shares of the standard price."""
    own = [line for line in pricing.tier_lines if line.holds(moment)]
    if own and own[-1].rates:
        return _card(pricing, None, own, moment)
    rule = pricing.rule
    if rule is None or moment < rule.since:
        return Card(_price_id(pricing, None), problem=_no_tier(pricing, rule))
    contract = any(line.holds(moment) for line in pricing.overrides)
    card = None if contract else _book_tier_card(pricing, rule, moment)
    return card or _shared_card(pricing, rule, moment)


def _book_tier_card(pricing: Pricing, rule: TierRule, moment: datetime) -> Card | None:
    """The book's line for the tier, or its next later one in proportion to the standard price; None without."""
    if pricing.listed is None or not rule.context:
        return None
    if listing := pricing.listed.tier(moment, rule.context):
        return _card(pricing, listing, (), moment)
    later = pricing.listed.next_tier(moment, rule.context) if rule.backdate else None
    listing = pricing.listed.tier(later, rule.context) if later else None
    if later is None or listing is None:
        return None
    then, now = _standard_card(pricing, later), _standard_card(pricing, moment)
    known = _card(pricing, listing, (), moment)
    steps = known.steps if then.steps == now.steps else _in_proportion(known.steps, then.steps, now.steps)
    note = f"the book has this tier from {later.date()} only; {rule.source}"
    price = _price_id(pricing, rule.since)
    return Card(price, steps, known.source, gaps=known.gaps, needs=known.needs, notes=(note,)) if steps else None


def _in_proportion(tier: Steps, then: Steps, now: Steps) -> Steps:
    """The tier's rates moved with the standard ones; nothing when that does not come out exactly."""
    if not [above for above, _ in tier] == [above for above, _ in then] == [above for above, _ in now]:
        return ()
    moved: list[tuple[int, Rates]] = []
    for (above, rates), (_, before), (_, after) in zip(tier, then, now, strict=True):
        old, new = before.parts, after.parts
        shares = {part: rate / old[part] for part, rate in rates.parts.items() if old.get(part) and part in new}
        if any(share * old[part] != rates.parts[part] for part, share in shares.items()):
            return ()
        moved.append((above, after.scaled(shares)))
    return tuple(moved)


def _shared_card(pricing: Pricing, rule: TierRule, moment: datetime) -> Card:
    standard = _standard_card(pricing, moment)
    if standard.problem:
        return standard
    if not rule.shares:
        return Card(_price_id(pricing, None), problem=_no_tier(pricing, None))
    steps = tuple((above, rates.scaled(rule.shares)) for above, rates in standard.steps)
    return replace(standard, steps=steps, notes=(*standard.notes, rule.source))


def _card(pricing: Pricing, listing: Listing | None, lines: Sequence[PriceLine], moment: datetime) -> Card:
    """A listing with the lines that hold laid over it, the last line winning."""
    holding = [line for line in lines if line.holds(moment)]
    steps: Laid = {above: dict(rates) for above, rates in listing.steps} if listing else {-1: {}}
    for line in holding:
        steps = _laid(steps, line)
    since = next((line.since for line in reversed(holding) if line.since), listing.since if listing else None)
    price = _price_id(pricing, since)
    if not any(steps.values()):
        if not (holding and holding[-1].free):
            return Card(price, problem=_no_rates(pricing, listing))
        steps = {-1: dict.fromkeys(("input", "output"), Decimal(0))}
    request = listing.request if listing else Decimal(0)
    given = {part for line in holding for part in line.rates}
    return Card(
        price,
        tuple(
            (above, _known(rates, request, _notes(above, rates, holding)))
            for above, rates in sorted(steps.items(), reverse=True)
        ),
        _source(pricing, listing),
        gaps=tuple(sorted((line.above, part, _origin(line)) for line in holding for part in line.unpriced)),
        needs={part: need for part, need in listing.needs.items() if part not in given} if listing else {},
    )


def _laid(steps: Laid, line: PriceLine) -> Laid:
    """The steps under a line: it changes those that begin where it does or above, and adds the one it begins."""
    if line.above >= 0 and line.above not in steps:
        below = max((above for above in steps if above < line.above), default=min(steps))
        steps = steps | {line.above: dict(steps[below])}
    changed: Laid = {above: _over(rates, line) for above, rates in steps.items() if above >= line.above}
    return steps | changed


def _over(rates: Mapping[str, Decimal | None], line: PriceLine) -> dict[str, Decimal | None]:
    kept = {part: rate if rate is None else rate * (1 - line.discount) for part, rate in rates.items()}
    return kept | dict.fromkeys(line.unpriced) | dict(line.rates)


def _notes(above: int, rates: Mapping[str, object], lines: Sequence[PriceLine]) -> dict[str, tuple[str, ...]]:
    """The lines that gave a part of a step its rate or took something off it; parts of the book alone are absent."""
    told: dict[str, tuple[str, ...]] = dict.fromkeys(rates, ())
    for line in (line for line in lines if line.above <= above):
        if line.discount or (line.free and not any(rates.values())):
            told = {part: (*earlier, _origin(line)) for part, earlier in told.items()}
        told |= dict.fromkeys(line.rates, (_origin(line),))
    return {part: notes for part, notes in complete(told).items() if notes}


def _known(rates: Mapping[str, Decimal | None], request: Decimal, notes: Mapping[str, tuple[str, ...]]) -> Rates:
    """``None`` keeps a part from being filled in from the part that contains it."""
    completed = complete(rates)
    known = {part: rate for part, rate in completed.items() if rate is not None}
    return Rates(known, request, frozenset(completed.keys() - known.keys()), notes)


def _origin(line: PriceLine) -> str:
    return f"{line.place}: {line.source}" if line.source else line.place


def _source(pricing: Pricing, listing: Listing | None) -> str:
    if listing is None:
        return "price lines in files"
    seller = pricing.listed.provider if pricing.listed else pricing.provider
    return f"{published.name()}, list of {seller} ({published.homepage(seller)})"


def _price_id(pricing: Pricing, since: datetime | None) -> str:
    name = pricing.listed.name if pricing.listed else pricing.model
    tier = f"+{pricing.service_tier}" if pricing.service_tier else ""
    return f"{pricing.provider}/{name}@{since.date() if since else 'undated'}{tier}"


def _no_rates(pricing: Pricing, listing: Listing | None) -> str:
    where = f"model '{pricing.model}' at {pricing.provider}"
    if listing and listing.other_units:
        return f"{where} is billed by {', '.join(listing.other_units)}, which a span does not count"
    return f"the price book lists {where} without any rate; give its rates in the price overrides file"


def _no_tier(pricing: Pricing, not_before: TierRule | None) -> str:
    when = f" before {not_before.since.date()}" if not_before else ""
    return (
        f"no price for service tier '{pricing.service_tier}' of model '{pricing.model}' at {pricing.provider}{when}; "
        f'give one in the price overrides file with service_tier = "{pricing.service_tier}"'
    )
