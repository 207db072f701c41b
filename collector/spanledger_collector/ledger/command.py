"""``spanledger explain``, ``reprice``, ``reconcile`` and ``allocation``: asked of the running collector."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from spanledger_collector.ledger.client import Collector, CollectorRefused
from spanledger_collector.ledger.exports import FORMATS, Bill, ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FAILED: Final = 1
_API: Final = "http://127.0.0.1:4319"


def main(argv: Sequence[str]) -> int:
    """Run the command that ``argv`` begins with; the exit code."""
    command, *given = argv
    try:
        return _COMMANDS[command](given)
    except CollectorRefused as error:
        sys.stderr.write(f"spanledger {command}: {error}\n")
        return _FAILED


def explain(argv: Sequence[str]) -> int:
    """Which price line a call was charged by, from when, from which source, and the arithmetic."""
    parser = _parser("explain", explain.__doc__)
    parser.add_argument("call", help="a trace id (32 hex digits), a span id (16), or TRACE/SPAN")
    options = parser.parse_args(argv)
    path = f"/explain/{quote(options.call.replace('/', ':'), safe=':')}"
    _say("\n\n".join(_call(one) for one in Collector(options.api).send("GET", path)["calls"]))
    return 0


def reprice(argv: Sequence[str]) -> int:
    """Price past days again by today's price book: first the difference; with --apply the change, on record."""
    parser = _parser("reprice", reprice.__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, metavar="DAY")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, metavar="DAY", help="not included")
    parser.add_argument("--apply", action="store_true", help="change the ledger; without it nothing changes")
    parser.add_argument("--restate", action="store_true", help="also change months that are over")
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown beside every restated total")
    options = parser.parse_args(argv)
    if options.apply and not options.reason:
        parser.error('--apply needs --reason "...": every report shows why a cost was restated')
    days = [day for one in _days(options.first, options.last) for day in _repriced(options, one)]
    _say(_summary(days, applied=options.apply))
    return 0


def reconcile(argv: Sequence[str]) -> int:
    """Compare the ledger with a provider's usage or cost export, by day and model, and name the likely causes."""
    parser = _parser("reconcile", reconcile.__doc__)
    parser.add_argument("file", type=Path, help="the export, as the provider's API or console gave it")
    parser.add_argument("--format", choices=tuple(FORMATS), required=True)
    parser.add_argument("--provider", default="", metavar="NAME", help="as calls name it, where the file does not")
    options = parser.parse_args(argv)
    try:
        bills = list(FORMATS[options.format](options.file.read_text(encoding="utf-8"), options.provider))
    except (ExportError, OSError, UnicodeDecodeError) as error:
        raise CollectorRefused(f"{options.file}: {error}") from error
    if not bills:
        raise CollectorRefused(f"{options.file}: has no rows; export days on which there were calls")
    collector = Collector(options.api)
    for _, rows in groupby(sorted(bills, key=lambda bill: bill.day), key=lambda bill: bill.day):
        collector.send("POST", "/bills", {"rows": [_sent(bill) for bill in rows]})
    days = {
        "from": str(min(bill.day for bill in bills)),
        "to": str(max(bill.day for bill in bills) + timedelta(days=1)),
    }
    _say(_gaps(collector.send("POST", "/reconciliation", days)))
    return 0


def allocation(argv: Sequence[str]) -> int:
    """Each team's own cost and its part of shared cost, and the share that is nobody's."""
    parser = _parser("allocation", allocation.__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, metavar="DAY")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, metavar="DAY", help="not included")
    options = parser.parse_args(argv)
    answer = Collector(options.api).send("GET", f"/allocation?from={options.first}&to={options.last}")
    for one in answer["teams"]:
        _say(f"{one['team'] or '(nobody)':24}  own ${one['own']}  shared ${one['shared']}  total ${one['total']}")
    share = answer["unallocated_share"]
    _say(f"total ${answer['total']}, " + ("no known cost" if share is None else f"{share:.1%} of it is nobody's"))
    _say(f"{answer['unpriced_calls']} calls without a known cost are in no figure")
    return 0


_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "allocation": allocation,
    "explain": explain,
    "reconcile": reconcile,
    "reprice": reprice,
}


def _parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"spanledger {name}", description=doc)
    parser.add_argument("--api", default=_API, help="the collector to ask; default: %(default)s")
    return parser


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=index) for index in range((last - first).days)]


def _repriced(options: argparse.Namespace, day: date) -> list[dict[str, Any]]:
    body = {"from": str(day), "to": str(day + timedelta(days=1)), "reason": options.reason}
    body |= {"apply": options.apply, "restate": options.restate}
    days: list[dict[str, Any]] = Collector(options.api).send("POST", "/reprice", body)["days"]
    for one in days:
        _say(_day(one))
    return days


def _call(one: dict[str, Any]) -> str:
    cost = _usd(one["cost_usd"])
    lines = [f"{one['trace_id']}/{one['span_id']}  {one['provider']} {one['model']}", f"cost {cost} ({one['grade']})"]
    if one["cost_low_usd"] is not None:
        lines.append(f"8 of 10 such calls cost ${one['cost_low_usd']} to ${one['cost_high_usd']}")
    if one["reason"]:
        lines.append(one["reason"])
    if one["differs"]:
        lines.append(
            f"by today's price book it is {_usd(one['now_usd'])}; `spanledger reprice` shows what else would change"
        )
    return "\n".join([*lines, one["explanation"]])


def _usd(amount: str | None) -> str:
    return "unknown" if amount is None else f"${amount}"


def _day(one: dict[str, Any]) -> str:
    head = f"{one['day']}  {one['changed_calls']} of {one['calls']} calls change"
    money = f"  ${one['before']} -> ${one['after']}" if one["changed_calls"] else ""
    known = f"  known {one['priced_before']} -> {one['priced_after']}" if one["changed_calls"] else ""
    moved = (
        f"    {some['model']}: {some['calls']} calls {_usd(some['before'])} -> {_usd(some['after'])}"
        f"  ({some['price_before'] or 'no price'} -> {some['price_after'] or 'no price'}, {some['grade_after']})"
        for some in one["moved"]
    )
    return "\n".join([head + money + known, *moved])


def _sent(bill: Bill) -> dict[str, Any]:
    return {**asdict(bill), "day": str(bill.day), "cost": None if bill.cost is None else str(bill.cost)}


def _gaps(answer: dict[str, Any]) -> str:
    lines = [f"{answer['compared']} days and models compared, {len(answer['gaps'])} differ"]
    for gap in answer["gaps"]:
        ours = "-" if gap["ledger"] is None else f"${gap['ledger']}"
        theirs = "-" if gap["billed"] is None else f"${gap['billed']}"
        lines.append(f"{gap['day']}  {gap['provider']} {gap['model']}  ledger {ours}  billed {theirs}")
        lines.append(f"    {gap['cause']}")
    return "\n".join(lines)


def _summary(days: list[dict[str, Any]], *, applied: bool) -> str:
    changed = sum(one["changed_calls"] for one in days)
    difference = sum((Decimal(one["after"]) - Decimal(one["before"]) for one in days), Decimal(0))
    if not changed:
        return "nothing changes: every call stands as today's price book prices it"
    what = "changed, and a restatement is on record" if applied else "would change; nothing was: give --apply --reason"
    return f"{changed} calls {what}; the known cost moves by ${difference:+f}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
