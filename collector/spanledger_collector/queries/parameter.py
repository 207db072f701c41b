"""What a query may be asked, and how one asked value is read. Errors name the parameter, the value and the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class BadParameter(ValueError):
    """A parameter cannot be used; the text says which, why, and what would do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``read`` turns a text into a value or raises ValueError with the remedy; ``schema`` is its JSON Schema."""

    name: str
    doc: str
    read: Callable[[str], Any] = str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    default: Any = None
    required: bool = False
    repeatable: bool = False

    def value(self, texts: Sequence[str]) -> Any:
        """A list where repeatable, else one value or the default. Raises BadParameter."""
        if not texts:
            if self.required:
                raise BadParameter(f"parameter {self.name!r} is missing: {self.doc}")
            return self.default
        if len(texts) > 1 and not self.repeatable:
            raise BadParameter(f"parameter {self.name!r} is given {len(texts)} times; give it once: {self.doc}")
        values = [self._one(text) for text in texts]
        return values if self.repeatable else values[0]

    def _one(self, text: str) -> Any:
        try:
            return self.read(text)
        except ValueError as error:
            raise BadParameter(f"parameter {self.name!r} cannot be {text[:200]!r}: {error}") from error


def choice(
    name: str, doc: str, options: Sequence[str], *, default: str | None = None, required: bool = False
) -> Parameter:
    def read(text: str) -> str:
        if text not in options:
            raise ValueError(f"use one of {', '.join(options)}")
        return text

    schema = {"type": "string", "enum": [*options]} | ({"default": default} if default else {})
    return Parameter(name, doc, read, schema, default, required)


def count(name: str, doc: str, *, default: int | None, most: int) -> Parameter:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
            raise ValueError(f"use a whole number from 1 to {most}")
        return int(text)

    schema = {"type": "integer", "minimum": 1, "maximum": most} | ({"default": default} if default else {})
    return Parameter(name, doc, read, schema, default)


def hexadecimal(name: str, doc: str, digits: int) -> Parameter:
    def read(text: str) -> str:
        if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", text):
            raise ValueError(f"use its {digits} hexadecimal digits")
        return text.lower()

    return Parameter(name, doc, read, {"type": "string", "pattern": f"^[0-9a-fA-F]{{{digits}}}$"}, required=True)


FIRST_NS: Final = 0
LAST_NS: Final = int(datetime(2106, 1, 1, tzinfo=timezone.utc).timestamp()) * 10**9  # hours are 32-bit seconds
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")


def moment(text: str) -> int:
    """UTC nanoseconds since the epoch from RFC 3339; ValueError with the remedy."""
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError("use RFC 3339 with a zone, such as 2026-11-23T09:30:00Z (in a URL a + is written %2B)")
    day, time, fraction, zone = match.groups()
    whole = datetime.fromisoformat(f"{day}T{time}{'+00:00' if zone in 'Zz' else zone}")
    nanoseconds = int(whole.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0"))
    if not FIRST_NS <= nanoseconds <= LAST_NS:
        raise ValueError("use a time from 1970 to 2105")
    return nanoseconds


_TIME: Final = {"type": "string", "format": "date-time"}
FROM: Final = Parameter("from", "First moment, RFC 3339; open when absent.", moment, _TIME, FIRST_NS)
TO: Final = Parameter("to", "First moment no longer included, RFC 3339; open when absent.", moment, _TIME, LAST_NS)
WINDOW: Final = (FROM, TO)
DIMENSIONS: Final = ("service", "environment", "provider", "model", "feature", "team")
"""What calls can be narrowed to and split by: in the rollup's key, hence columns of both tables."""
DETAILED: Final = ("service", "environment", "provider", "model")  # of these, columns of ``call_details``
FILTERS: Final = tuple(
    Parameter(name, f"Only calls of this {name}; may be given several times.", repeatable=True, default=())
    for name in DIMENSIONS
)
USER: Final = Parameter("user", "Only calls of this user; may be given several times.", repeatable=True, default=())
NARROWED: Final = (*DIMENSIONS, USER.name)
"""What single calls can be narrowed to; users are in no rollup."""
BY_DOC: Final = "Split by this; the column is called key."
BY: Final = choice("by", BY_DOC, DIMENSIONS)
REQUIRED_BY: Final = choice("by", BY_DOC, DIMENSIONS, required=True)
