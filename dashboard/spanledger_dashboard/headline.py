"""The sentence a page opens with, generated from the very rows its charts show. What cannot be backed is not said."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_dashboard.format import count, counted, moment, money, percent, quoted, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.period import Period

_COMPARABLE_POINTS: Final = 0.03  # shares of priced calls further apart make two totals incomparable


@dataclass(frozen=True, slots=True)
class Spend:
    """A period's totals row and its spend by key."""

    period: Period
    totals: Row
    by_key: Sequence[Row]

    @property
    def cost(self) -> Decimal | None:
        """Known spend; None where there are calls but no price."""
        cost: Decimal | None = self.totals["cost_usd"]
        return cost


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a period relates to the one before, as the end of a sentence, and which changes may be named."""

    said: str
    calls: bool = False  # both periods are in the ledger
    money: bool = False  # and they are priced alike


def compare(now: Spend, before: Spend | None, ledger_begins: datetime) -> Comparison:
    """A change is named only where both periods are whole, and one of money only where they are priced alike."""
    if before is None:
        return Comparison("")
    if missing := _missing(before, ledger_begins):
        return Comparison(f"; {missing}")
    if abs(_coverage(now) - _coverage(before)) > _COMPARABLE_POINTS:
        return Comparison(_gap(now, before), calls=True)
    moved = _moved(now.cost or Decimal(0), before.cost or Decimal(0), before.period.said)
    return Comparison(f"{moved}{_mover(now, before)}", calls=True, money=True)


def sentence(now: Spend, comparison: Comparison) -> str:
    """What was spent, how it moved, and what moved it."""
    calls, said = counted(now.totals["calls"], "call"), now.period.said
    if not now.totals["calls"]:
        return f"No calls {said}."
    if now.cost is None:
        return f"{calls} {said}, none with a known price."
    unpriced = now.totals["unpriced_calls"]
    plus = f" plus {counted(unpriced, 'call')} of unknown price" if unpriced else ""
    return f"Spend is {money(now.cost)}{plus} {said}{comparison.said}."


def _missing(before: Spend, ledger_begins: datetime) -> str:
    """Why there is no period before; empty when there is one."""
    then = before.period
    if ledger_begins > then.start:
        begins = moment(ledger_begins, then.zone, then.now)
        return f"not enough history to compare, the ledger begins {begins} {then.zone}"
    return "" if before.totals["calls"] else f"there were no calls {_during(then)}"


def _gap(now: Spend, before: Spend) -> str:
    """Priced differently: the shares, and the key that lost its price."""
    shares = f"{share(_coverage(now))} of calls have a known price, {share(_coverage(before))} had one then"
    unpriced = {row["key"]: row["unpriced_calls"] for row in now.by_key}
    key = max(unpriced, key=lambda name: unpriced[name], default="")
    most = f"; {count(unpriced[key])} of those without are {quoted(key)}" if unpriced.get(key) else ""
    return f"; not comparable with {before.period.said}: {shares}{most}"


def _moved(cost: Decimal, then: Decimal, before: str) -> str:
    change = cost - then
    if not change:
        return f", the same as {before}"
    ratio = f" ({percent(change / then)})" if then else " from nothing"
    return f", {_direction(change)}{ratio} on {before}"


def _direction(change: Decimal) -> str:
    return f"{'up' if change > 0 else 'down'} {money(abs(change))}"


def _mover(now: Spend, before: Spend) -> str:
    """The key whose known spend changed most."""
    changes = _known(now.by_key)
    for key, cost in _known(before.by_key).items():
        changes[key] = changes.get(key, Decimal(0)) - cost
    key = max(changes, key=lambda name: abs(changes[name]), default="")
    if not changes.get(key):
        return ""
    return f"; {quoted(key)} moved most, {_direction(changes[key])}"


def _known(rows: Sequence[Row]) -> dict[str, Decimal]:
    return {row["key"]: row["cost_usd"] for row in rows if row["cost_usd"] is not None}


def _coverage(spend: Spend) -> float:
    return float(spend.totals["coverage"] or 0)


def _during(period: Period) -> str:
    """When: some names of periods are nouns, others already say it."""
    return f"in {period.said}" if period.said.startswith("the ") else period.said
