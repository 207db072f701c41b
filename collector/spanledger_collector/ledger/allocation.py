"""Whose cost a call is, where no tag says so, and how what is shared is split: rules from a file.

[[assign]]
service = "checkout-*"              # * and ? match any text; every condition must hold
"resource.k8s.namespace.name" = "payments"   # a resource attribute
"tag.route" = "/pay*"               # a tag
team = "payments"                   # what is given where the call itself names none
feature = "pay"
customer = "acme"

[[share]]
team = "platform"                   # whose cost is shared
by = "cost"                         # in proportion to each team's own cost; or "equal"
among = ["payments", "search"]      # optional; all other teams without it

[[share]]
team = "evaluation"
weights = { payments = "0.7", search = "0.3" }
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import ROUND_DOWN, Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.pricing.documents import Table, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from spanledger_collector.model import Attributes, Call, Span

_GIVEN: Final = ("team", "feature", "customer")
_NAMED: Final = ("service", "environment", "provider", "model", "prompt_name", "operation", "user")
_BY: Final = ("cost", "equal")
_STEP: Final = Decimal(1).scaleb(-18)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One ``[[assign]]``."""

    named: Mapping[str, str]  # attribute of the call -> pattern
    resource: Mapping[str, str]
    tags: Mapping[str, str]
    given: Mapping[str, str]

    def holds(self, call: Call, resource: Attributes) -> bool:
        return (
            all(fnmatchcase(str(getattr(call, name)), pattern) for name, pattern in self.named.items())
            and all(fnmatchcase(str(resource.get(name, "")), pattern) for name, pattern in self.resource.items())
            and all(fnmatchcase(call.tags.get(name, ""), pattern) for name, pattern in self.tags.items())
        )


@dataclass(frozen=True, slots=True)
class Share:
    """One ``[[share]]``: whose cost is split, and how."""

    team: str
    by: str  # "cost", "equal", or "weights"
    among: tuple[str, ...]
    weights: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Rules:
    assignments: tuple[Assignment, ...] = ()
    shares: tuple[Share, ...] = ()

    def after(self, to_call: Callable[[Span], Call | None]) -> Callable[[Span], Call | None]:
        """The same reading of a span, allocated."""
        if not self.assignments:
            return to_call

        def allocated(span: Span) -> Call | None:
            call = to_call(span)
            if call is not None:
                self.allocate(call, span.resource)
            return call

        return allocated

    def allocate(self, call: Call, resource: Attributes) -> None:
        """Name team, feature and customer where the call itself names none; the first rule that holds wins."""
        for rule in self.assignments:
            if rule.holds(call, resource):
                for name, value in rule.given.items():
                    if not call.tags.get(name):
                        call.tags[name] = value
                call.team, call.feature = call.tags.get("team", ""), call.tags.get("feature", "")


def read(path: Path) -> Rules:
    """Raises PriceFileError with the line, the value and the remedy."""
    return Rules(
        tuple(_assignment(table) for table in tables(path, "assign")),
        tuple(_share(table) for table in tables(path, "share")),
    )


def _assignment(table: Table) -> Assignment:
    prefixed = [key for key in table.values if key.startswith(("resource.", "tag."))]
    table.only((*_GIVEN, *_NAMED, *prefixed))
    given: dict[str, str] = {name: table.text(name) for name in _GIVEN if name in table.values}
    conditions = {name: table.text(name) for name in (*_NAMED, *prefixed) if name in table.values}
    if not given:
        raise table.refuse(f"the rule gives nothing; add one of {', '.join(_GIVEN)}")
    if not conditions:
        raise table.refuse('the rule has no condition; add one, such as service = "*" for every call')
    return Assignment(
        {name: pattern for name, pattern in conditions.items() if name in _NAMED},
        _below("resource.", conditions),
        _below("tag.", conditions),
        given,
    )


def _below(prefix: str, conditions: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: pattern for name, pattern in conditions.items() if name.startswith(prefix)}


def _share(table: Table) -> Share:
    table.only(("team", "by", "among", "weights"))
    team, among = table.text("team"), tuple(table.texts("among"))
    if "weights" in table.values:
        inner = Table(table.values["weights"], table.place)
        weights = {name: inner.amount(name) or Decimal(0) for name in inner.values}
        if sum(weights.values()) != 1 or team in weights:
            raise table.refuse(f"'weights' sum to {sum(weights.values())}; give other teams shares that sum to 1")
        return Share(team, "weights", among, weights)
    by = table.text("by")
    if by not in _BY or team in among:
        raise table.refuse(f"'by' is {by!r} among {list(among)}; use {' or '.join(_BY)}, among other teams")
    return Share(team, by, among, {})


@dataclass(frozen=True, slots=True)
class Allocated:
    """US dollars of one team; the empty name is what nobody could be named for."""

    team: str
    own: Decimal
    shared: Decimal  # what it bears of others' cost; negative for those whose cost is shared

    @property
    def total(self) -> Decimal:
        return self.own + self.shared


def split(own: Mapping[str, Decimal], rules: Rules) -> list[Allocated]:
    """Own cost and borne cost by team; the totals sum exactly to the sum of the own costs, in any order of rules.

    Every rule splits the team's own cost, not what it bears of others': shares of shares would depend on the order.
    A rule that finds nobody to bear the cost leaves it where it is.
    """
    shared: dict[str, Decimal] = dict.fromkeys(own, Decimal(0))
    sharing = {rule.team for rule in rules.shares}
    for rule in rules.shares:
        amount = own.get(rule.team, Decimal(0))
        for team, part in _parts(amount, _weights(rule, own, sharing)).items():
            shared[team] = shared.get(team, Decimal(0)) + part
            shared[rule.team] = shared.get(rule.team, Decimal(0)) - part
    teams = sorted(shared, key=lambda team: (-own.get(team, Decimal(0)), team))
    return [Allocated(team, own.get(team, Decimal(0)), shared[team]) for team in teams]


def _weights(rule: Share, own: Mapping[str, Decimal], sharing: set[str]) -> Mapping[str, Decimal]:
    if rule.by == "weights":
        return rule.weights
    among = [team for team in (rule.among or own) if team and team not in sharing]
    return {team: own.get(team, Decimal(0)) if rule.by == "cost" else Decimal(1) for team in among}


def _parts(amount: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """In proportion, to the ledger's last digit; what rounding leaves goes to the largest, so that they sum exactly."""
    total = sum(weights.values(), Decimal(0))
    if not total:
        return {}
    parts = {team: (amount * weight / total).quantize(_STEP, ROUND_DOWN) for team, weight in weights.items()}
    largest = max(weights, key=lambda team: (weights[team], team))
    parts[largest] += amount - sum(parts.values(), Decimal(0))
    return parts


def shown(rows: list[dict[str, Any]], rules: Rules) -> dict[str, Any]:
    """Of the rows of the query ``allocation`` per team: each team's cost, and the share that is nobody's."""
    own = {row["name"]: row["cost_usd"] or Decimal(0) for row in rows}
    total = sum(own.values(), Decimal(0))
    unallocated = own.get("", Decimal(0))
    return {
        "teams": [{**asdict(one), "total": one.total} for one in split(own, rules)],
        "total": total,
        "unallocated": unallocated,
        "unallocated_share": float(unallocated / total) if total else None,
        "unpriced_calls": sum(row["unpriced_calls"] for row in rows),
    }
