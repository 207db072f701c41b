"""A segment's cost as a product of seven factors, and what each factor's change did to it.

cost = volume x mix x waste x ( input per call x sum over parts(share x price) + output per call x price
       + what is charged per call + all tokens per call x price of what the provider did not split )
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod
from operator import mul
from typing import TYPE_CHECKING, Final

from .facts import INPUT_PARTS, Facts
from .shapley import averaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FACTORS: Final = ("volume", "waste", "mix", "size", "cache", "reasoning", "price")
_REACH, _UNIT = FACTORS[:3], FACTORS[3:]  # how many calls; what one of them costs
_PRICED: Final = (*INPUT_PARTS, "output", "unsplit")
_NONE: Final = Fraction(0)
_ALL_UNCACHED: Final = (Fraction(1), _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class State:
    """The factors' values in one period. Sizes are tokens per call, prices US dollars per token."""

    reach: tuple[Fraction, Fraction, Fraction]  # volume, waste, mix
    size: tuple[Fraction, Fraction, Fraction]  # input, visible output; US dollars of what is charged per call
    cache: tuple[Fraction, ...] | None  # shares of the input parts; None without input
    reasoning: Fraction  # tokens per call
    price: Mapping[str, Fraction | None]  # None where nothing was bought


def effects(first: Facts, second: Facts, units: tuple[int, int]) -> dict[str, Fraction]:
    """US dollars by factor; their sum is the difference of the two costs."""
    first, second = Facts.comparable(first, second)
    states = _filled(_state(first, units[0]), _state(second, units[1]))
    reach, reach_scale = _reaches(*states)
    unit, unit_scale = _unit_costs(*states)
    width = len(reach)
    values = [reach[mask % width] * unit[mask // width] for mask in range(width * len(unit))]
    return {
        name: Fraction(sum_, scale * reach_scale * unit_scale)
        for name, (sum_, scale) in zip(FACTORS, averaged(values), strict=True)
    }


def _state(facts: Facts, units: int) -> State:
    calls, tokens, money = facts.calls, facts.tokens, facts.money
    bought = {part: tokens[part] for part in INPUT_PARTS} | {"output": facts.output}
    bought["unsplit"] = facts.input + facts.output
    return State(
        reach=(Fraction(units), Fraction(calls, facts.units), Fraction(facts.units, units)),
        size=(Fraction(facts.input, calls), Fraction(tokens["visible"], calls), Fraction(money["other"]) / calls),
        cache=tuple(Fraction(tokens[part], facts.input) for part in INPUT_PARTS) if facts.input else None,
        reasoning=Fraction(tokens["reasoning"], calls),
        price={part: Fraction(money[part]) / count if count else None for part, count in bought.items()},
    )


def _filled(first: State, second: State) -> tuple[State, State]:
    """What a period did not buy is priced as in the other: then a new part is a matter of size or cache, not price."""
    return _like(first, second), _like(second, first)


def _like(state: State, other: State) -> State:
    return State(
        reach=state.reach,
        size=state.size,
        cache=state.cache or other.cache or _ALL_UNCACHED,
        reasoning=state.reasoning,
        price={part: _known(state.price[part], other.price[part]) for part in _PRICED},
    )


def _known(price: Fraction | None, other: Fraction | None) -> Fraction:
    return price if price is not None else other if other is not None else _NONE


def _reaches(first: State, second: State) -> tuple[list[int], int]:
    """Calls, by which of the first three factors have changed: bit i for factor i. Over the scale that is returned."""
    (before, after), scale = _over_one(first.reach, second.reach)
    masks = range(2 ** len(_REACH))
    return [prod((after if mask >> place & 1 else before)[place] for place in range(3)) for mask in masks], scale**3


def _unit_costs(first: State, second: State) -> tuple[list[int], int]:
    """US dollars per call, by which of the last four factors have changed, over the scale that is returned."""
    sizes, size_scale = _over_one((*first.size, first.reasoning), (*second.size, second.reasoning))
    shares, share_scale = _over_one(first.cache or _ALL_UNCACHED, second.cache or _ALL_UNCACHED)
    prices, price_scale = _over_one(*([_known(each.price[part], None) for part in _PRICED] for each in (first, second)))

    def cost(mask: int) -> int:
        given, visible, per_call, _ = sizes[mask & 1]
        reasoning = sizes[mask >> 2 & 1][-1]
        *input_prices, output_price, unsplit_price = prices[mask >> 3 & 1]
        token: int = sum(map(mul, shares[mask >> 1 & 1], input_prices))
        output = visible + reasoning
        rest = output * output_price + per_call * price_scale + (given + output) * unsplit_price
        return given * token + rest * share_scale

    return [cost(mask) for mask in range(2 ** len(_UNIT))], size_scale * share_scale * price_scale


def _over_one(*rows: Sequence[Fraction]) -> tuple[list[list[int]], int]:
    """The same over one denominator: products and sums of fractions are many times slower than those of integers."""
    scale = lcm(*(value.denominator for row in rows for value in row))
    return [[value.numerator * (scale // value.denominator) for value in row] for row in rows], scale
