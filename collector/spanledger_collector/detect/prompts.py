"""Prompts out of the query ``prompt_prefixes``: how long a prefix they share, in blocks, characters and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.detect.cache_rules import CacheRule, rule_of
from spanledger_collector.detect.facts import Calls, placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spanledger_collector.detect.finding import Place, Row

_DIGITS: Final = 12  # of one block's hash
SECTIONS: Final = ("tool list", "system message", "messages")
ZERO: Final = Decimal(0)


class Prompt:
    """One call's prompt. Tokens are measured; how many of them a stretch of text has is by its share of the text."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.at_ns: int = _nanoseconds(row["start"])
        self.block_chars: int = row["block_chars"]
        self.chars = sum(row["section_chars"]) or 1
        self.tokens_per_char: float = row["input_tokens"] / self.chars

    @cached_property
    def blocks(self) -> list[str]:
        return _chain(self.row["blocks"])

    @cached_property
    def masked(self) -> list[str]:
        return _chain(self.row["masked_blocks"]) or self.blocks

    def tokens(self, chars: float) -> float:
        return chars * self.tokens_per_char

    @property
    def written(self) -> int:
        return int(self.row["write_5m_tokens"] + self.row["write_1h_tokens"])

    @cached_property
    def price(self) -> Decimal | None:
        """US dollars per uncached input token, as this call was billed."""
        tokens: int = self.row["uncached_tokens"]
        if self.row["cost_usd"] is None or not tokens:
            return None
        return Decimal(self.row["cost_input_usd"]) / tokens

    def place_of(self, offset: int) -> tuple[str, int]:
        """The section a character is in, and how many tokens into it."""
        start = 0
        for name, size in zip(SECTIONS, self.row["section_chars"], strict=False):
            if offset < start + size:
                return name, round(self.tokens(offset - start))
            start += size
        return SECTIONS[-1], round(self.tokens(offset - start))


class Held:
    """The prefixes in a cache that forgets after ``life_s`` of disuse. Every hash covers all text before it."""

    def __init__(self, life_s: float) -> None:
        self._life_ns = int(life_s * 1e9)
        self._last: dict[str, int] = {}

    def length(self, blocks: Sequence[str], at_ns: int) -> int:
        """How many leading blocks are held: a longer prefix is never newer than a shorter one, so halving finds it."""
        low, high = 0, len(blocks)
        while low < high:
            middle = (low + high + 1) // 2
            last = self._last.get(blocks[middle - 1])
            if last is not None and at_ns - last <= self._life_ns:
                low = middle
            else:
                high = middle - 1
        return low

    def add(self, blocks: Iterable[str], at_ns: int) -> None:
        for block in blocks:
            self._last[block] = at_ns


@dataclass(frozen=True)
class Group:
    """The prompts of one place, oldest first, and the cache rule that holds for them."""

    place: Place
    prompts: tuple[Prompt, ...]
    rule: CacheRule
    calls: int  # at this place in the window; more than there are prompts where only the newest were read

    @property
    def scale(self) -> Decimal:
        return Decimal(self.calls) / len(self.prompts)

    @property
    def facts(self) -> Calls:
        """The same calls, for what needs no prompt."""
        return Calls(self.place, tuple(prompt.row for prompt in self.prompts), self.calls)

    @cached_property
    def read_ratio(self) -> Decimal:
        """Price of a cached token by that of an uncached one: as billed, else by the provider's rule."""
        return self._billed("cost_read_usd", "read_tokens") or self.rule.read

    @cached_property
    def write_ratio(self) -> Decimal:
        if all(not prompt.written for prompt in self.prompts):
            return self.rule.write
        written = sum(prompt.written for prompt in self.prompts)
        return self._ratio(self._sum("cost_write_usd"), written) or self.rule.write

    def _billed(self, money: str, tokens: str) -> Decimal | None:
        return self._ratio(self._sum(money), int(self._sum(tokens)))

    def _ratio(self, money: Decimal, tokens: int) -> Decimal | None:
        plain, uncached = self._sum("cost_input_usd"), self._sum("uncached_tokens")
        return (money / tokens) / (plain / uncached) if tokens and money and plain and uncached else None

    def _sum(self, name: str) -> Decimal:
        return sum((Decimal(prompt.row[name] or 0) for prompt in self.prompts), ZERO)


def groups(rows: Iterable[Row]) -> Iterator[Group]:
    """By place, of those whose provider has a cache that we know the rules of."""
    for where, members in placed(rows).items():
        rule = rule_of(where.provider, where.model, members[-1]["start"].date())
        if rule is not None:
            yield Group(where, tuple(map(Prompt, members)), rule, members[0]["calls"])


def _chain(digits: str) -> list[str]:
    return [digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS)]


def _nanoseconds(moment: Any) -> int:
    value = getattr(moment, "value", None)  # pandas' own type
    return int(moment.timestamp() * 1e9) if value is None else int(value)
