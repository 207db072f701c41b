"""What a segment used and cost in one period, out of the rows of the query ``segments``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from .closing import difference, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spanledger_collector.review.ledger import Row

INPUT_PARTS: Final = ("uncached", "cache_read", "cache_write")
_PARTS: Final = {"uncached": "cost_input", "cache_read": "cost_cache_read", "cache_write": "cost_cache_write"}


class Segment(NamedTuple):
    service: str
    provider: str
    model: str
    feature: str
    team: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the calls that were answered or billed: a call refused before any token is no bill."""

    priced: int
    answered: int

    @property
    def share(self) -> float | None:
        return self.priced / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the calls whose cost is known. Tokens and US dollars by part; every dollar is in exactly one part."""

    units: int  # calls that succeeded
    calls: int  # all that cost something
    tokens: Mapping[str, int]  # uncached, cache_read, cache_write, visible, reasoning
    money: Mapping[str, Decimal]  # uncached, cache_read, cache_write, output, other, unsplit
    cost: Decimal

    @property
    def input(self) -> int:
        return sum(self.tokens[part] for part in INPUT_PARTS)

    @property
    def output(self) -> int:
        return self.tokens["visible"] + self.tokens["reasoning"]

    @staticmethod
    def comparable(first: Facts, second: Facts) -> tuple[Facts, Facts]:
        """Where one of them had no success at all, every call counts as a unit in both."""
        if first.units and second.units:
            return first, second
        return replace(first, units=first.calls), replace(second, units=second.calls)


def by_segment(rows: Iterable[Row]) -> dict[Segment, Facts]:
    groups: defaultdict[Segment, list[Row]] = defaultdict(list)
    for row in rows:
        if row["priced_calls"]:
            groups[Segment(*(row[name] for name in Segment._fields))].append(row)
    return {segment: _facts(found) for segment, found in groups.items()}


def coverage(rows: Iterable[Row]) -> Coverage:
    priced = answered = 0
    for row in rows:
        priced += row["priced_calls"]
        answered += row["calls"] - refused(row)
    return Coverage(priced, answered)


def refused(row: Row) -> int:
    """Calls that failed before the provider counted a token."""
    return 0 if row["outcome"] != "error" or row["priced_calls"] else int(row["without_usage"])


def _facts(rows: Sequence[Row]) -> Facts:
    count = {name: sum(int(row[name]) for row in rows) for name in _COUNTS}
    money = {name: total(Decimal(row[name]) for row in rows) for name in _MONEY}
    cached = count["cache_read_tokens"] + count["cache_write_tokens"]
    reasoning = min(count["reasoning_tokens"], count["output_tokens"])
    tokens = {
        "uncached": max(0, count["input_tokens"] - cached),
        "cache_read": count["cache_read_tokens"],
        "cache_write": count["cache_write_tokens"],
        "visible": count["output_tokens"] - reasoning,
        "reasoning": reasoning,
    }
    return Facts(
        units=sum(row["priced_calls"] for row in rows if row["outcome"] == "ok"),
        calls=count["priced_calls"],
        tokens=tokens,
        money=_placed(money, tokens),
        cost=money["cost"],
    )


_COUNTS: Final = (
    "priced_calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
_MONEY: Final = ("cost", "cost_input", "cost_cache_read", "cost_cache_write", "cost_output", "cost_other")


def _placed(money: Mapping[str, Decimal], tokens: Mapping[str, int]) -> dict[str, Decimal]:
    """Money of a part that has no tokens to price it by stands with what is charged per call."""
    placed = {part: money[name] for part, name in _PARTS.items()} | {"output": money["cost_output"]}
    placed["unsplit"] = difference(money["cost"], total((*placed.values(), money["cost_other"])))
    priced_by = {part: tokens[part] for part in _PARTS} | {"output": tokens["visible"] + tokens["reasoning"]}
    priced_by["unsplit"] = sum(tokens.values())
    stray = [part for part, count in priced_by.items() if not count]
    other = total((money["cost_other"], *(placed[part] for part in stray)))
    return placed | dict.fromkeys(stray, Decimal(0)) | {"other": other}
