"""A provider's usage object read by name, and counts that contain one another taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from spanledger_collector.model import Usage


class UsageError(ValueError):
    """A usage object that cannot be read: names the field, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A usage object, read by name; missing counts are zero."""

    values: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def any(self, *names: str) -> bool:
        return any(name in self for name in names)

    def inner(self, *names: str) -> Fields:
        """The object under the first of the names that is there."""
        value: object = next((self.values[one] for one in names if one in self), None)
        return Fields(value if isinstance(value, Mapping) else {})

    def rows(self, *names: str) -> list[Fields]:
        """The objects of the list under the first of the names that is there."""
        value: object = next((self.values[one] for one in names if one in self), [])
        rows = value if isinstance(value, Sequence) else []
        return [Fields(row) for row in rows if isinstance(row, Mapping)]

    def count(self, *names: str) -> int:
        """The first of the names that is there."""
        name = next((one for one in names if one in self), None)
        return 0 if name is None else whole(name, self.values[name])

    def money(self, name: str) -> Decimal | None:
        """An amount, exact as it was written; None where there is none."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            return None
        amount = Decimal(str(value))
        if not amount.is_finite() or amount < 0:
            raise UsageError(f"usage field '{name}' is {value!r}; give an amount of US dollars, 0 or more")
        return amount

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value.lower() if isinstance(value, str) else ""


def whole(name: str, value: object) -> int:
    if isinstance(value, (float, Decimal)) and value == value.__trunc__():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"usage field '{name}' is {value!r}; give a whole number of tokens, 0 or more")
    return value


Kinds = Mapping[str, int]  # audio, image, video, citation: tokens that are no text


@dataclass(frozen=True, slots=True)
class Side:
    """The input or the output as reported: all tokens, and how many of them are of which kind."""

    total: int
    kinds: Kinds = field(default_factory=dict)  # a kind that is reported stands here even when it is 0
    cached: int = 0  # input only
    cached_kinds: Kinds = field(default_factory=dict)
    written: int = 0
    reasoning: int = 0  # output only


def disjoint(given: Side, out: Side, fees: Mapping[str, int] | None = None) -> Usage:
    """Parts of counts that contain one another; refuses those that cannot."""
    if given.cached + given.written > given.total:
        cached = given.cached + given.written
        raise UsageError(f"usage has {cached} cached of {given.total} input tokens; cached tokens are part of them")
    fresh = {kind: count - given.cached_kinds.get(kind, 0) for kind, count in given.kinds.items()}
    uncached = _rest(given.total - given.cached - given.written, fresh, "uncached input")
    cached = _rest(given.cached, given.cached_kinds, "cached input")
    text = _rest(out.total, out.kinds, "output")
    if out.reasoning > text:
        raise UsageError(f"usage has {out.reasoning} reasoning of {text} output tokens; reasoning is part of them")
    other = {f"{kind}_input": count for kind, count in fresh.items() if kind != "audio"}
    other |= {f"cache_read_{kind}": count for kind, count in given.cached_kinds.items() if count}
    other |= {f"{kind}_output": count for kind, count in out.kinds.items() if kind not in {"audio", "citation"}}
    other |= {"citation": out.kinds["citation"]} if "citation" in out.kinds else {}
    return Usage(
        uncached_input=uncached,
        cache_read=cached,
        cache_write_5m=given.written,
        audio_input=fresh.get("audio", 0),
        output=text,
        audio_output=out.kinds.get("audio", 0),
        reasoning=out.reasoning,
        other=tuple({**other, **{part: count for part, count in (fees or {}).items() if count}}.items()),
    )


def _rest(total: int, kinds: Kinds, words: str) -> int:
    """What is text."""
    apart = sum(kinds.values())
    if apart > total or any(count < 0 for count in kinds.values()):
        named = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        raise UsageError(f"usage has {named} of {total} {words} tokens; they must be part of them")
    return total - apart
