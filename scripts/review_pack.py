"""Make docs/pack: the review of a made-up October against a quieter September, as HTML and PDF.

usage: .venv/bin/python scripts/review_pack.py [--data DIR] [--out docs/pack]

Loads two made-up months into a collector of its own (a few minutes, once per --data), then asks it for the pack.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector.demo.children import start_collector
from spanledger_collector.demo.history.incidents import USUAL, Effect
from spanledger_collector.demo.history.month import HOURS, Month
from spanledger_collector.demo.sender import Sender
from spanledger_collector.review.budget_command import main as budgets
from spanledger_collector.review.command import main as review

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.history.sources import Source
    from spanledger_collector.demo.history.wire import SpanBytes

OCTOBER_ENDS = int(datetime(2026, 11, 1, tzinfo=timezone.utc).timestamp()) // 3600
CALLS = {"october": 200_000, "september": 160_000}
NOT_YET = {"respond", "classify-tuned"}  # released in October
PIECE_HOURS = 24
BUDGETS = (((), "500"), (("--team", "operations"), "200"), (("--feature", "invoices"), "40"))
LISTENERS = ["--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]


class QuietMonth(Month):
    """Nothing went wrong, and two sources did not exist."""

    def _hour(self, source: Source, hour: int, effect: Effect) -> Iterator[SpanBytes]:
        if source.name in NOT_YET:
            return iter(())
        return super()._hour(source, hour, effect if effect.silent else USUAL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="keep the made-up ledger here (default: thrown away)")
    parser.add_argument("--out", type=Path, default=Path("docs/pack"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = (options.data or Path(scratch)).absolute()
        fresh = not (data / "store").exists()
        collector = start_collector(data, LISTENERS)
        try:
            if fresh:
                load(Sender(collector.otlp_http, collector.api), data)
                set_budgets(collector.api)
            return render(collector.api, options.out)
        finally:
            collector.process.stop()


def load(sender: Sender, data: Path) -> None:
    months = (
        QuietMonth(CALLS["september"], OCTOBER_ENDS - HOURS, data / "services"),
        Month(CALLS["october"], OCTOBER_ENDS, data / "services"),
    )
    for month in months:
        for first in range(month.first_hour, month.anchor_hour, PIECE_HOURS):
            for _, body in month.requests(range(first, first + PIECE_HOURS), month.anchor_hour * 3600 * 10**9):
                sender.send(body)
        sys.stderr.write(f"loaded {month.calls:,} calls\n")


def set_budgets(api: str) -> None:
    for scope, usd in BUDGETS:
        budgets(["budgets", "set", "--api", api, "--from", "2026-09", "--usd", usd, *scope])


def render(api: str, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    kinds = {"html": "review-2026-10.html", "pdf": "review-2026-10.pdf"}
    arguments = ["review", "--api", api, "--period", "2026-10", "--now", "2026-11-02T08:00:00Z"]
    return max(review([*arguments, "--format", kind, "--out", str(out / name)]) for kind, name in kinds.items())


if __name__ == "__main__":
    sys.exit(main())
