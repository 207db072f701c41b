"""What the names of a span's attributes say, without their values: worked out once for all spans that carry them.

An application's spans carry a few sets of names, over and over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanledger import semconv

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes

Aliases = Mapping[str, tuple[str, ...]]  # a name as it is read -> as a dialect writes it, the best first
MOST_KEPT: Final = 1024  # shapes: names come from strangers, so neither their number nor their size may grow
LONGEST_KEPT: Final = 8192  # characters of one
_TAG: Final = len(semconv.TAG_PREFIX)


@dataclass(frozen=True, slots=True)
class Shape:
    """Of one set of names, read by one dialect's aliases."""

    aliases: Aliases  # kept, or another dialect's could come to lie at the same address
    aliased: tuple[tuple[str, str], ...]  # what is read -> the alias it stands under
    tags: tuple[tuple[str, str], ...]  # a tag -> the attribute that sets it


_kept: Final[dict[tuple[int, tuple[str, ...]], Shape]] = {}


def shape_of(attributes: Attributes, aliases: Aliases) -> Shape:
    names = tuple(attributes)
    key = (id(aliases), names)
    found = _kept.get(key)
    if found is None:
        found = _worked_out(names, aliases)
        if sum(map(len, names)) <= LONGEST_KEPT:
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            _kept[key] = found
    return found


def resolved(attributes: Attributes, aliases: Aliases) -> Attributes:
    """The attributes with what stands under an alias by the name it is read by; one that holds nothing is not there."""
    if None in attributes.values():
        attributes = {name: value for name, value in attributes.items() if value is not None}
    aliased = shape_of(attributes, aliases).aliased
    return {**attributes, **{name: attributes[alias] for name, alias in aliased}} if aliased else attributes


def _worked_out(names: tuple[str, ...], aliases: Aliases) -> Shape:
    present = frozenset(names)
    found = ((name, next(filter(present.__contains__, given), "")) for name, given in aliases.items())
    return Shape(
        aliases,
        tuple((name, alias) for name, alias in found if alias and name not in present),
        tuple((name[_TAG:], name) for name in names if name.startswith(semconv.TAG_PREFIX)),
    )
