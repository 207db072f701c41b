"""``spanledger prices``: what is in the price book, and what a usage object costs by it."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.pricing import edition, overrides, published
from spanledger_collector.pricing.book import Book
from spanledger_collector.pricing.documents import PriceFileError
from spanledger_collector.pricing.explanation import plain
from spanledger_collector.pricing.quote import QuoteError, quote
from spanledger_collector.pricing.rates import PARTS, quoted
from spanledger_collector.pricing.raw_usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanledger_collector.pricing.overrides import PriceLine

_FAILED = 1


def main(argv: Sequence[str]) -> int:
    """Run one of the actions, the command's own name first; the exit code."""
    options = _parser().parse_args(argv[1:])
    try:
        if options.data:
            edition.adopt(options.data / edition.FILE)
        return _ACTIONS[options.action](options)
    except (PriceFileError, QuoteError, OSError) as error:
        sys.stderr.write(f"spanledger prices: {error}\n")
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger prices", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    quoting = actions.add_parser("quote", help="price usage objects as the providers' APIs return them")
    quoting.add_argument("file", type=Path, help="JSON list of {id, provider, model, timestamp, service_tier, usage}")
    quoting.add_argument("--out", type=Path, help="where to write the JSON answer (default: standard output)")
    showing = actions.add_parser("show", help="which prices are in use, and how old they are")
    checking = actions.add_parser("check", help="read a price overrides file and say what each line does")
    updating = actions.add_parser("update", help="take a newer edition of the published prices into use")
    comparing = actions.add_parser("diff", help="what another edition would change; changes nothing")
    for action in (quoting, showing, checking):
        action.add_argument("--overrides", type=Path, help="price overrides file (TOML)")
    for action in (updating, comparing):
        action.add_argument("file", type=Path, nargs="?", help="an edition's data.json (default: fetch the newest)")
    for action in (quoting, showing, checking, updating, comparing):
        action.add_argument("--data", type=Path, metavar="DIR", help="the collector's data directory")
    return parser


def _quote(options: argparse.Namespace) -> int:
    _deliver(_quotes(Book(options.overrides), options.file), options.out)
    return 0


def _show(options: argparse.Namespace) -> int:
    _deliver(_description(Book(options.overrides)), None)
    return 0


def _check(options: argparse.Namespace) -> int:
    """Every line of the file, whether it holds now, and whether it is for a model that the book lists."""
    if options.overrides is None:
        raise PriceFileError("no file to check; give --overrides FILE")
    Book(options.overrides)
    now = datetime.now(timezone.utc)
    lines = overrides.read(options.overrides)
    _deliver("\n".join(_checked(line, now) for line in lines) or f"{options.overrides}: has no [[price]]", None)
    return 0


def _checked(line: PriceLine, now: datetime) -> str:
    ended = line.until is not None and now >= line.until
    when = "holds now" if line.holds(now) else "has ended" if ended else "does not hold now"
    known = any(
        line.applies(name, info.id) for name, provider in published.providers().items() for info in provider.models
    )
    rates = ", ".join(f"{part} ${plain(quoted(part, rate))}/{PARTS[part].label}" for part, rate in line.rates.items())
    what = rates or (f"{plain(line.discount * 100)} % off" if line.discount else "free" if line.free else "unpriced")
    listed = "" if known else "; the book lists no such model, the line stands by itself"
    return f"{line.place}: {line.provider} {line.model}  {what}  {when}{listed}"


def _update(options: argparse.Namespace) -> int:
    if options.data is None:
        raise PriceFileError("no place to keep the edition; give --data DIR, the collector's data directory")
    content = _edition(options)
    changes = _changes(content, options)
    edition.keep(content, options.data / edition.FILE)
    note = "restart the collector to price by it; `spanledger reprice` shows what it changes for past days"
    _deliver("\n".join([*changes, f"{len(changes)} models changed; {note}"]), None)
    return 0


def _diff(options: argparse.Namespace) -> int:
    changes = _changes(_edition(options), options)
    _deliver("\n".join([*changes, f"{len(changes)} models differ from {published.name()}"]), None)
    return 0


def _edition(options: argparse.Namespace) -> bytes:
    if options.file:
        content: bytes = options.file.read_bytes()
        return content
    return edition.fetch()


def _changes(content: bytes, options: argparse.Namespace) -> list[str]:
    now = datetime.now(timezone.utc)
    new = edition.read(content, str(options.file or "the newest edition"))
    theirs = edition.rates({one.id: one for one in new}, now)
    return edition.difference(edition.rates(published.providers(), now), theirs)


_ACTIONS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "quote": _quote,
    "show": _show,
    "check": _check,
    "update": _update,
    "diff": _diff,
}


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
