"""Why one period cost more than another: bars that sum to the difference to the last digit.

Each segment (service, provider, model, feature, team) that both periods have is a product of seven factors, and the
difference is shared out among them by Shapley's average over all orders in which they could have changed, in exact
rational numbers. What only one period has is ``new`` or ``gone``, never hidden in another bar.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .closing import closed, difference, total
from .facts import Coverage, Facts, Segment, by_segment, coverage
from .model import FACTORS, effects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from spanledger_collector.review.ledger import Row

BARS: Final = (*FACTORS, "new", "gone", "restated")
LEAST_COVERAGE: Final = 0.95
MOST_APART: Final = 0.03
_NOTHING: Final = Decimal(0)

Bars = dict[str, Decimal]
"""US dollars by bar, all of BARS."""


@dataclass(frozen=True)
class Bridge:
    """``before + sum(bars) == after``, exactly. ``suppressed`` says why the bars must not be shown, or is empty."""

    before: Decimal  # as first booked: without what was restated since
    after: Decimal
    segments: Mapping[Segment, Bars]
    coverage: tuple[Coverage, Coverage]
    restated: Decimal = _NOTHING  # what the earlier period was corrected by since; told of the whole only
    suppressed: str = ""

    @cached_property
    def bars(self) -> Bars:
        return _summed(self.segments.values()) | {"restated": self.restated}

    def by(self, key: Callable[[Segment], str]) -> dict[str, Bars]:
        """The bars of each team, feature, ...: together they are the whole's, exactly, but for ``restated``."""
        groups: defaultdict[str, list[Bars]] = defaultdict(list)
        for segment, bars in self.segments.items():
            groups[key(segment)].append(bars)
        return {name: _summed(found) for name, found in groups.items()}


def build(before: Sequence[Row], after: Sequence[Row], restated: Decimal = _NOTHING) -> Bridge:
    """Of two answers of the query ``segments``; ``restated`` is what the earlier one was corrected by since."""
    first, second = by_segment(before), by_segment(after)
    units = _units(first, second)
    covered = coverage(before), coverage(after)
    return Bridge(
        before=difference(_cost(first), restated),
        after=_cost(second),
        segments={each: _bars(first.get(each), second.get(each), units) for each in sorted({*first, *second})},
        coverage=covered,
        restated=restated,
        suppressed=_too_poor(*covered),
    )


def _bars(first: Facts | None, second: Facts | None, units: tuple[int, int]) -> Bars:
    bars = dict.fromkeys(BARS, _NOTHING)
    if first and second:
        return bars | closed(effects(first, second, units), difference(second.cost, first.cost))
    if second:
        return bars | {"new": second.cost}
    return bars | {"gone": first.cost.copy_negate() if first else _NOTHING}


def _units(first: Mapping[Segment, Facts], second: Mapping[Segment, Facts]) -> tuple[int, int]:
    """Successful calls of what both periods have."""
    pairs = [Facts.comparable(first[segment], second[segment]) for segment in first.keys() & second.keys()]
    return sum(one.units for one, _ in pairs), sum(two.units for _, two in pairs)


def _cost(facts: Mapping[Segment, Facts]) -> Decimal:
    return total(each.cost for each in facts.values())


def _summed(many: Iterable[Bars]) -> Bars:
    rows = [*many]
    return {name: total(bars[name] for bars in rows) for name in BARS}


def _too_poor(before: Coverage, after: Coverage) -> str:
    if before.share is None or after.share is None:
        return "one of the periods has no calls that were answered"
    lowest = min(before.share, after.share)
    if lowest < LEAST_COVERAGE:
        return (
            f"only {lowest:.1%} of the answered calls of one period have a known cost, and {LEAST_COVERAGE:.0%} are "
            "needed: part of the difference may be calls that could not be priced"
        )
    if (apart := abs(before.share - after.share)) > MOST_APART:
        return f"the periods' coverage differs by {apart * 100:.1f} points, and {MOST_APART * 100:.0f} are the most"
    return ""
