"""``spanledger alerts``: try the rules on a history, and the channels on a made-up alert."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    tried.add_argument("--calls", type=Path, metavar="FILE", required=True, help="Parquet, one row per call")
    tried.add_argument("--events", type=Path, metavar="FILE", help="CSV of deploys: ts, service, type, note")
    tried.add_argument("--out", type=Path, metavar="FILE", help="JSON with every incident; default: a summary in words")
    tried.add_argument("--step", type=int, choices=(1, 5), default=5, help="minutes between evaluations (default: 5)")
    tried.set_defaults(run=_backtest)
    return parser


def _backtest(options: argparse.Namespace) -> int:
    from spanledger_collector.alerts.backtest import backtest, read_events
    from spanledger_collector.alerts.call_file import CallFile

    events = read_events(options.events) if options.events else []
    found = backtest(CallFile(options.calls, options.step), options.step, events)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    sys.stdout.write(_summary(found))
    return 0


def _summary(found: Sequence[dict[str, Any]]) -> str:
    counts = Counter(one["kind"] for one in found)
    lines = [f"{kind} would have fired {times(count)}" for kind, count in counts.most_common()]
    lines += [f"  {one['detected_at'][:16]} {one['kind']} {one['group']}: {one['summary']}" for one in found]
    return "\n".join(lines or ["no rule would have fired"]) + "\n"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
