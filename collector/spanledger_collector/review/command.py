"""``spanledger review``: a month of the ledger as a page, a table or a FOCUS export."""

from __future__ import annotations

import argparse
import io
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector.review import focus, page, table
from spanledger_collector.review.ledger import Ledger, LedgerUnavailable
from spanledger_collector.review.pack import collect
from spanledger_collector.review.period import Month

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 1 when the collector cannot be asked; ``argv`` begins with the command's own name."""
    options = _parser().parse_args(argv[1:])
    try:
        _deliver(_render(options), options.out)
    except (LedgerUnavailable, OSError) as error:
        sys.stderr.write(f"spanledger review: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger review", description=__doc__)
    parser.add_argument("--period", type=_month, default=None, metavar="YYYY-MM", help="default: the running month")
    parser.add_argument("--format", choices=("md", "csv", "focus"), default="md", help="page, table or FOCUS 1.2 CSV")
    parser.add_argument("--api", default="http://127.0.0.1:4319", help="the collector to ask; default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("--billing-account", default="unspecified", metavar="ID", help="FOCUS BillingAccountId")
    return parser


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _render(options: argparse.Namespace) -> str:
    ledger = Ledger(options.api, os.environ.get("SPANLEDGER_TOKEN", ""))
    today = datetime.now(timezone.utc)
    month = options.period or Month(today.year, today.month)
    if options.format == "focus":
        return _focus(ledger, month, options.billing_account)
    pack = collect(ledger, month)
    if pack.is_empty:
        sys.stderr.write(f"no calls are recorded in {month}\n")
    if options.format == "md":
        return page.page(pack)
    out = io.StringIO()
    table.write(pack, out)
    return out.getvalue()


def _focus(ledger: Ledger, month: Month, account: str) -> str:
    totals = ledger.ask("totals", **month.params())[0]
    out = io.StringIO()
    parts = (row for day in month.days() for row in ledger.ask("cost_parts", **day))
    focus.write(parts, month, account, out)
    sys.stderr.write(_metadata(month, totals["calls"], totals["unpriced_calls"]))
    return out.getvalue()


def _metadata(month: Month, calls: int, unpriced: int) -> str:
    if not calls:
        return f"no calls are recorded in {month}\n"
    return (
        f"FOCUS 1.2, {month}: {calls - unpriced} of {calls} calls; {unpriced} without a known cost are left out. "
        "Costs are estimates from list prices (x_CostSource), not an invoice.\n"
    )


def _deliver(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
