"""``spanledger alerts``: try the rules on a history, and the channels on a made-up alert."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.alerts.api_history import ApiHistory
    from spanledger_collector.alerts.backtest import History


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 1 when it cannot be done; ``argv`` begins with the command's own name."""
    options = _parser().parse_args(argv[1:])
    try:
        code: int = options.run(options)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"spanledger alerts: {error}\n")
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanledger alerts", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tried = commands.add_parser("backtest", help="what the anomaly rules would have told about a history")
    tried.add_argument("--calls", type=Path, metavar="FILE", help="Parquet, one row per call; default: the ledger")
    tried.add_argument("--days", type=int, default=30, help="of the ledger's latest history (default: 30)")
    tried.add_argument("--api", default="http://127.0.0.1:4319", help="the collector to ask; default: %(default)s")
    tried.add_argument("--events", type=Path, metavar="FILE", help="CSV of deploys: ts, service, type, note")
    tried.add_argument(
        "--rules", type=Path, metavar="FILE", help="try the own rules of this file on the ledger instead"
    )
    tried.add_argument("--rule", metavar="NAME", help="try one built-in rule on the ledger, such as user_cost_runaway")
    tried.add_argument("--out", type=Path, metavar="FILE", help="JSON with every incident; default: a summary in words")
    tried.add_argument("--step", type=int, choices=(1, 5), default=5, help="minutes between evaluations (default: 5)")
    tried.set_defaults(run=_backtest)
    told = commands.add_parser("test", help="send a made-up alert, marked as a test, and its end to one channel")
    told.add_argument("channel", metavar="CHANNEL", help="webhook, slack, smtp, pagerduty, alertmanager or apprise")
    told.set_defaults(run=_test)
    checked = commands.add_parser("check", help="read a file of own rules and silences, and tell what it says")
    checked.add_argument("file", type=Path, metavar="FILE")
    checked.set_defaults(run=_check)
    return parser


def _check(options: argparse.Namespace) -> int:
    from spanledger_collector.alerts.rulebook import read

    book = read(options.file)
    lines = [f"rule {one.name}: {type(one).__name__.lower()}" for one in book.own]
    lines += [f"silence of {one.author} until {one.until:%Y-%m-%d %H:%M %Z}: {one.reason}" for one in book.silences]
    sys.stdout.write("\n".join(lines or ["no rules and no silences"]) + "\n")
    return 0


def _test(options: argparse.Namespace) -> int:
    from spanledger_collector.alerts.drill import made_up
    from spanledger_collector.alerts.notify import configured

    channels = {one.name: one for one in configured(os.environ)}
    channel = channels.get(options.channel)
    if channel is None:
        there = ", ".join(channels) or "none"
        raise ValueError(f"channel {options.channel!r} is not configured; configured are {there} (SPANLEDGER_ALERT_*)")
    for alert in made_up(datetime.now(timezone.utc)):
        delivery = channel.send(alert)
        sys.stdout.write(f"{channel.name}: {alert.state}: {delivery.detail}\n")
        if not delivery.ok:
            return 1
    return 0


def _backtest(options: argparse.Namespace) -> int:
    from spanledger_collector.alerts.backtest import backtest, read_events

    events = read_events(options.events) if options.events else []
    if options.rules or options.rule:
        return _tried(options)
    ledger = None if options.calls else _ledger(options)
    found = backtest(ledger or _file(options), options.step, [*events, *(ledger.events() if ledger else ())])
    if options.out:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    sys.stdout.write(_summary(found))
    return 0


def _tried(options: argparse.Namespace) -> int:
    from spanledger_collector.alerts.built_in import RULES
    from spanledger_collector.alerts.rulebook import read
    from spanledger_collector.alerts.trial import Trial

    if options.calls:
        raise ValueError("single rules are tried on the ledger of a running collector: leave --calls out")
    if options.rule and options.rule not in RULES:
        raise ValueError(f"there is no built-in rule {options.rule!r}; there are {', '.join(RULES)}")
    trial, now = Trial(_ledger(options).ask), datetime.now(timezone.utc)
    told = [trial.own(own, options.days, now) for own in (read(options.rules).own if options.rules else ())]
    told += [trial.built_in(options.rule, options.days, now)] if options.rule else []
    if options.out:
        options.out.write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")
    for one in told:
        times = "".join(f"\n  {fired['fired_at']:%Y-%m-%dT%H:%M} {fired['summary']}" for fired in one["fired"])
        sys.stdout.write(f"{one['sentence']}{times}\n")
    return 0


def _file(options: argparse.Namespace) -> History:
    from spanledger_collector.alerts.call_file import CallFile

    return CallFile(options.calls, options.step)


def _ledger(options: argparse.Namespace) -> ApiHistory:
    from spanledger_collector.alerts.api_history import ApiHistory

    if options.step != 5:  # noqa: PLR2004
        raise ValueError("the ledger is read in steps of five minutes: leave --step out, or give --calls a file")
    return ApiHistory(options.api, os.environ.get("SPANLEDGER_TOKEN", ""), options.days)


def _summary(found: Sequence[dict[str, Any]]) -> str:
    counts = Counter(one["kind"] for one in found)
    lines = [f"{kind} would have fired {times(count)}" for kind, count in counts.most_common()]
    lines += [f"  {one['detected_at'][:16]} {one['kind']} {one['group']}: {one['summary']}" for one in found]
    return "\n".join(lines or ["no rule would have fired"]) + "\n"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
