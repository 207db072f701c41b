"""Any export as CSV with a header: day, model, and cost_usd or counts; other columns are left alone."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from spanledger_collector.ledger.exports.bill import Bill, ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS: Final = ("calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
_HEADER: Final = f"day, model and cost_usd or any of {', '.join(_COUNTS)}"


def read(text: str, provider: str) -> Iterator[Bill]:
    """Raises ExportError, naming the line."""
    rows = csv.DictReader(io.StringIO(text))
    names = set(rows.fieldnames or ())
    if not {"day", "model"} <= names or not names & {"cost_usd", *_COUNTS}:
        raise ExportError(f"line 1 has the columns {', '.join(rows.fieldnames or ['none'])}; name them {_HEADER}")
    for row in rows:
        yield _bill(row, provider, rows.line_num)


def _bill(row: dict[str, str], provider: str, line: int) -> Bill:
    named = (row.get("provider") or provider).strip().lower()
    if not named:
        raise ExportError(f"line {line} names no provider; add a column provider, or give --provider")
    cost = _cost(row, line)
    counts = {name: _count(row, name, line) for name in _COUNTS}
    kind = "usage" if cost is None else "cost"
    return Bill(_day(row["day"], line), named, row["model"].strip().lower(), kind, str(line), **counts, cost=cost)


def _day(text: str, line: int) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise ExportError(f"line {line} has the day {text!r}; write a UTC day like 2026-11-01") from error


def _cost(row: dict[str, str], line: int) -> Decimal | None:
    text = (row.get("cost_usd") or "").strip()
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise ExportError(f"line {line} has the cost_usd {text!r}; write a plain amount like 12.34") from error


def _count(row: dict[str, str], name: str, line: int) -> int | None:
    text = (row.get(name) or "").strip()
    if text and not text.isdigit():
        raise ExportError(f"line {line} has the {name} {text!r}; write a whole number")
    return int(text) if text else None
