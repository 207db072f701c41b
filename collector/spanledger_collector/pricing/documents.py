"""Price files in TOML, read into tables with the line each stands on, so that an error can name it."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

# Python 3.10 has no TOML reader of its own; tomli is the same code.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

SHIPPED: Final = Path(__file__).parent / "data"  # our own files need no path to be found by


class PriceFileError(ValueError):
    """A price file that cannot be used: names the file, the line, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[[name]]`` table of a file, with typed reading."""

    values: dict[str, Any]
    place: str  # "prices.toml line 12"

    def refuse(self, problem: str) -> PriceFileError:
        return PriceFileError(f"{self.place}: {problem}")

    def only(self, allowed: Collection[str]) -> None:
        for key in self.values.keys() - set(allowed):
            raise self.refuse(f"unknown key '{key}'; known keys are {', '.join(sorted(allowed))}")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise self.refuse(f"'{key}' is {value!r}; write {key} = \"...\"")
        return value

    def moment(self, key: str) -> datetime | None:
        """A day, which begins at midnight UTC, or a time with its offset; in UTC."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(timezone.utc)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(), timezone.utc)
        raise self.refuse(
            f"'{key}' is {value!r}; write a day or a time with offset, unquoted: {key} = 2026-01-31, "
            f"{key} = 2026-01-31T16:00:00Z"
        )

    def texts(self, key: str) -> list[str]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.refuse(f"'{key}' is {value!r}; write a list of texts: {key} = [\"...\"]")
        return value

    def amount(self, key: str) -> Decimal | None:
        """A decimal of zero or more; written as text or a whole number, since a binary float is not exact."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self.refuse(f"'{key}' is {value!r}; write the exact amount in quotes: {key} = \"2.50\"")
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal(-1)
        if not amount.is_finite() or amount < 0:
            raise self.refuse(f"'{key}' is {value!r}; write an amount of 0 or more in quotes: {key} = \"2.50\"")
        return amount


def parse(path: Path) -> dict[str, Any]:
    """The whole file, or a PriceFileError that names the line TOML stumbled over."""
    try:
        document: dict[str, Any] = _toml.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PriceFileError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise PriceFileError(f"{path}: is not valid TOML: {error}") from error
    return document


def tables(path: Path, name: str) -> list[Table]:
    """The ``[[name]]`` tables in the order of the file."""
    found = parse(path).get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PriceFileError(f"{path}: '{name}' must be tables; start each with [[{name}]]")
    lines = _header_lines(path, name)
    shown = path.name if path.parent == SHIPPED else path
    return [
        Table(values, f"{shown} line {lines[index]}" if index < len(lines) else str(shown))
        for index, values in enumerate(found)
    ]


def _header_lines(path: Path, name: str) -> list[int]:
    header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
    text = path.read_text(encoding="utf-8")
    return [number for number, line in enumerate(text.splitlines(), start=1) if header.match(line)]
