"""``spanledger prices``: what is in the price book, and what a usage object costs by it."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanledger_collector.pricing.book import Book
from spanledger_collector.pricing.documents import PriceFileError
from spanledger_collector.pricing.explanation import plain
from spanledger_collector.pricing.quote import QuoteError, quote
from spanledger_collector.pricing.raw_usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED = 1


def main(argv: Sequence[str]) -> int:
    """Run ``prices quote FILE [--out OUT]`` or ``prices show``, the command's own name first; the exit code."""
    options = _parser().parse_args(argv[1:])
    try:
        book = Book(options.overrides)
        _deliver(_quotes(book, options.file) if options.action == "quote" else _description(book), options.out)
    except (PriceFileError, QuoteError, OSError) as error:
        sys.stderr.write(f"spanledger prices: {error}\n")
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger prices", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    quoting = actions.add_parser("quote", help="price usage objects as the providers' APIs return them")
    quoting.add_argument("file", type=Path, help="JSON list of {id, provider, model, timestamp, service_tier, usage}")
    quoting.add_argument("--out", type=Path, help="where to write the JSON answer (default: standard output)")
    parser.set_defaults(out=None)
    showing = actions.add_parser("show", help="which prices are in use, and how old they are")
    for action in (quoting, showing):
        action.add_argument("--overrides", type=Path, help="price overrides file (TOML)")
    return parser


def _quotes(book: Book, path: Path) -> str:
    try:
        records = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except ValueError as error:
        raise QuoteError(f"{path}: is not JSON: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise QuoteError(f"{path}: must be a JSON list of objects, one per call")
    return json.dumps([_answer(book, record) for record in records], indent=1, default=str)


def _answer(book: Book, record: dict[str, Any]) -> dict[str, Any]:
    """One record's answer; a record that cannot be read is unknown and says why, the others are still priced."""
    try:
        quoted = quote(book, record)
    except (QuoteError, UsageError) as error:
        return {"id": record.get("id"), "cost_usd": None, "grade": "unknown", "explanation": f"cost unknown: {error}"}
    total = quoted.cost.total
    return {
        "id": record.get("id"),
        "cost_usd": None if total is None else plain(total),
        "grade": quoted.cost.grade,
        "explanation": quoted.explanation,
    }


def _description(book: Book) -> str:
    about = book.describe()
    return (
        f"{about.version}: {about.models} models, "
        f"newest price line from {about.newest_line} ({about.age_days} days ago)\n"
        f"{about.patches} dated patches by spanledger, {about.overrides} lines of your own"
    )


def _deliver(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(f"{text}\n")
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
