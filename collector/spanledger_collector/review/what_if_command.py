"""``spanledger what-if``: a period on another model, price list, cache hit rate or batch share, per feature."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector.pricing import Book, PriceFileError
from spanledger_collector.review.budget import Scope
from spanledger_collector.review.figures import UNNAMED, cents, change
from spanledger_collector.review.ledger import Ledger, LedgerUnavailable
from spanledger_collector.review.period import Period
from spanledger_collector.review.what_if import Estimate, Scenario, estimates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 1 when the collector cannot be asked or a price file cannot be used."""
    options = _parser().parse_args(argv[1:])
    try:
        sys.stdout.write("\n".join(_lines(options)) + "\n")
    except (LedgerUnavailable, PriceFileError) as error:
        sys.stderr.write(f"spanledger what-if: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger what-if", description=__doc__)
    add = parser.add_argument
    add("--period", type=_period, metavar="PERIOD", help="default: last month")
    add("--to-model", default="", metavar="NAME", help="everything on this model")
    add("--to-provider", default="", metavar="NAME", help="at this provider; default: each call's own")
    add("--cache-hit", type=_share, metavar="SHARE", help="share of input read from the cache, 0 to 1")
    add("--batch", type=_share, metavar="SHARE", help="share of calls made as batch, 0 to 1")
    add("--to-prices", type=Path, metavar="FILE", help="at these overrides of the price book")
    add("--prices", type=Path, metavar="FILE", help="the overrides the collector was started with")
    for scope in ("team", "feature", "model"):
        add(f"--{scope}", default="", metavar="NAME", help=f"only what ran under this {scope}")
    add("--api", default="http://127.0.0.1:4319", help="the collector to ask; default: %(default)s")
    return parser


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write one from 0 to 1, such as 0.8")
    return share


def _lines(options: argparse.Namespace) -> Iterator[str]:
    period = options.period or Period.month(datetime.now(timezone.utc)).previous
    scope = Scope(options.team, options.feature, options.model)
    ledger = Ledger(options.api, os.environ.get("SPANLEDGER_TOKEN", ""))
    rows = ledger.ask("segments", **period.params(), **scope.filters)
    scenario = Scenario(options.to_provider, options.to_model, options.cache_hit, options.batch)
    books = Book(options.prices), Book(options.to_prices or options.prices)
    found = estimates(rows, scenario, books, period.end - timedelta(days=1))
    yield f"{period}, an estimate at the price book's rates of its last day; tokens are taken to stay the same"
    yield f"{'feature':30} {'known cost':>14} {'estimate':>14} {'change':>10}"
    for each in found:
        yield _line(each)


def _line(each: Estimate) -> str:
    moved = change(each.then, each.known) if each.then is not None else each.reason
    feature = "".join(c for c in each.feature if c.isprintable()) or UNNAMED["feature"]
    return f"{feature[:30]:30} {cents(each.known):>14} {cents(each.then):>14} {moved:>10}"
