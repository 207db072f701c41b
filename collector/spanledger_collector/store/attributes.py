"""A span's attributes as text: one bounded string per key, so that one huge prompt cannot swell the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_collector.model import Attributes, AttributeValue

MAX_CHARS: Final = 8192
CUT: Final = "… [cut]"

# json.dumps takes five times as long for one number.
_PLAIN: Final[Mapping[type, Callable[[Any], str]]] = {
    str: str,
    int: str,
    bytes: bytes.hex,
    type(None): lambda _: "",
}

Pairs = list[tuple[str, str]]


def pairs(attributes: Attributes) -> Pairs:
    return [(key, _bounded(text(value))) for key, value in attributes.items()]


def text(value: AttributeValue) -> str:
    """Strings as they are; booleans, numbers and lists as JSON; bytes as hex; nothing as an empty string."""
    write = _PLAIN.get(type(value))
    return write(value) if write else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=bytes.hex)


def _bounded(value: str) -> str:
    return value if len(value) <= MAX_CHARS else value[:MAX_CHARS] + CUT
