"""What a provider bills beside the tokens it counts, or instead of them: ``spanledger.billed.*``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from spanledger import semconv
from spanledger_collector.model import Usage

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue

MOST: Final = 10_000_000_000
# Names below the prefix, which are the price book's names of the parts.
_PIECES: Final = (
    "search_units",
    "classifications",
    "images",
    "audio_seconds",
    "characters",
    "pages",
    "web_searches",
    "file_searches",
    "sources",
    "server_tools",
)
_INSIDE: Final = (("image_input", "uncached_input"), ("image_output", "output"))  # and what they are taken from
_INSTEAD: Final = (("input_tokens", "uncached_input"), ("output_tokens", "output"))
_NAMES: Final = tuple(
    (name, semconv.BILLED_PREFIX + name)
    for name in (*(name for name, _ in _INSTEAD), *(name for name, _ in _INSIDE), *_PIECES)
)
_ATTRIBUTES: Final = frozenset(attribute for _, attribute in _NAMES)
_NO_CACHE: Final[dict[str, Any]] = dict.fromkeys(("cache_read", "cache_write_5m", "cache_write_1h", "audio_input"), 0)


def billed(attributes: Attributes, usage: Usage | None, faults: list[str]) -> Usage | None:
    """The usage as it is billed; with pieces alone it is a usage without tokens."""
    if _ATTRIBUTES.isdisjoint(attributes):
        return usage
    told = [(name, value) for name, attribute in _NAMES if (value := attributes.get(attribute)) is not None]
    counts = {name: count for name, value in told if (count := _count(name, value, faults)) is not None}
    instead: dict[str, Any] = {part: counts[name] for name, part in _INSTEAD if name in counts}
    inside = {name: counts[name] for name, _ in _INSIDE if name in counts}
    pieces = {name: counts[name] for name in _PIECES if counts.get(name)}
    if not (instead or inside or pieces):
        return usage
    usage = usage or Usage()
    if instead:
        usage = replace(usage, **{**_NO_CACHE, "audio_output": 0, "reasoning": 0, **instead})
    for name, container in _INSIDE:
        left = getattr(usage, container) - inside.get(name, 0)
        if left < 0:
            faults.append(f"{semconv.BILLED_PREFIX}{name} exceeds the tokens it is part of")
        taken: dict[str, Any] = {container: max(0, left)}
        usage = replace(usage, **taken)
    return replace(usage, other=tuple({**inside, **pieces}.items()))


def _count(name: str, value: AttributeValue, faults: list[str]) -> int | None:
    """A whole number; of seconds, the nearest."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        faults.append(f"{semconv.BILLED_PREFIX}{name} is no count")
        return None
    return round(value)
