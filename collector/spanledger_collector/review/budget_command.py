"""``spanledger budgets``: set, take back and list what a team, a feature or a model may spend in a month."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from spanledger_collector.review.budget import Scope
from spanledger_collector.review.figures import money
from spanledger_collector.review.ledger import Ledger, LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 1 when the collector cannot be asked or refuses."""
    options = _parser().parse_args(argv[1:])
    try:
        ledger = Ledger(options.api, os.environ.get("SPANLEDGER_TOKEN", ""))
        if options.what == "list":
            _list(ledger)
        else:
            _change(ledger, options)
    except LedgerUnavailable as error:
        sys.stderr.write(f"spanledger budgets: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger budgets", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    listing = what.add_parser("list", help="all budgets and the month from which each holds")
    setting = what.add_parser("set", help="set a budget from a month on")
    setting.add_argument("--usd", required=True, metavar="AMOUNT", help="US dollars per calendar month")
    setting.add_argument("--note", default="", metavar="TEXT", help="for whoever reads the list")
    removing = what.add_parser("remove", help="no budget from a month on; earlier months keep theirs")
    for each in (setting, removing):
        each.add_argument("--from", dest="first", default=None, metavar="YYYY-MM", help="default: this month")
        for scope in ("team", "feature", "model"):
            each.add_argument(f"--{scope}", default="", metavar="NAME", help=f"only this {scope}; default: all")
    for each in (listing, setting, removing):
        each.add_argument("--api", default="http://127.0.0.1:4319", help="the collector; default: %(default)s")
    return parser


def _change(ledger: Ledger, options: argparse.Namespace) -> None:
    scope = Scope(options.team, options.feature, options.model)
    body: dict[str, Any] = dict(scope.filters)
    body |= {"usd": options.usd, "note": options.note} if options.what == "set" else {"usd": None}
    if options.first:
        body["from"] = options.first
    row = ledger.change("PUT", "budgets", body)
    sys.stdout.write(f"{_told(row['usd'])} for {scope} from {row['from_month'][:7]} on\n")


def _list(ledger: Ledger) -> None:
    rows = ledger.ask("budgets")
    if not rows:
        sys.stdout.write("no budget is set; set one with: spanledger budgets set --usd 5000 --team search\n")
    for row in rows:
        scope = Scope(row["team"], row["feature"], row["model"])
        note = f"  {row['note']}" if row["note"] else ""
        sys.stdout.write(f"from {row['from_month']}  {_told(row['usd']):>16}  {scope}{note}\n")


def _told(usd: str | None) -> str:
    return "no budget" if usd is None else f"{money(usd)} a month"
