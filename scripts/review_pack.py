"""Make docs/pack: the review of a made-up October against a quieter September, as HTML and PDF.

usage: .venv/bin/python scripts/review_pack.py [--data DIR] [--out docs/pack]

Loads two made-up months into a collector of its own (a few minutes, once per --data). Then, as the collector does by
itself while a month goes by, the detectors look at the ledger, here at the end of every day of October.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from datetime import datetime, time, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from spanledger_collector import queries
from spanledger_collector.api.table import json_text
from spanledger_collector.demo.children import start_collector
from spanledger_collector.demo.history.incidents import USUAL, Effect
from spanledger_collector.demo.history.month import HOURS, Month
from spanledger_collector.demo.sender import Sender
from spanledger_collector.detect import Detectors
from spanledger_collector.ledger.reprice import Repricing
from spanledger_collector.pricing import Book
from spanledger_collector.review.budget_command import main as budgets
from spanledger_collector.review.export import export
from spanledger_collector.review.ledger import OwnLedger
from spanledger_collector.review.pack import Asked
from spanledger_collector.review.period import Period
from spanledger_collector.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.history.sources import Source
    from spanledger_collector.demo.history.wire import SpanBytes

OCTOBER_ENDS = int(datetime(2026, 11, 1, tzinfo=timezone.utc).timestamp()) // 3600
MONTH = Period.parse("2026-10")
SEEN = datetime(2026, 11, 2, 8, tzinfo=timezone.utc)
TUNED = (
    '[[price]]\nprovider = "openai"\nmodel = "ft:gpt-4.1-nano-*"\ninput = "0.2"\ncache_read = "0.05"\noutput = "0.8"\n'
)
WHY = "the tuned model's rates were missing"
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
        if not (data / "store").exists():
            load(data)
        store = Store.open(f"chdb://{data / 'store'}")
        try:
            detectors = detectors_of(store)
            for day in MONTH.dates():
                detectors.tick(datetime.combine(day, time(23, 59), timezone.utc))
            reprice(store)
            detectors.tick(SEEN)
            render(store, options.out)
        finally:
            store.close()
    return 0


def load(data: Path) -> None:
    collector = start_collector(data, LISTENERS)
    try:
        send(Sender(collector.otlp_http, collector.api), data)
        for scope, usd in BUDGETS:
            budgets(["budgets", "set", "--api", collector.api, "--from", "2026-09", "--usd", usd, *scope])
    finally:
        collector.process.stop()


def send(sender: Sender, data: Path) -> None:
    months = (
        QuietMonth(CALLS["september"], OCTOBER_ENDS - HOURS, data / "services"),
        Month(CALLS["october"], OCTOBER_ENDS, data / "services"),
    )
    for month in months:
        for first in range(month.first_hour, month.anchor_hour, PIECE_HOURS):
            for _, body in month.requests(range(first, first + PIECE_HOURS), month.anchor_hour * 3600 * 10**9):
                sender.send(body)
        sys.stderr.write(f"loaded {month.calls:,} calls\n")


def detectors_of(store: Store) -> Detectors:
    """What the loading collector's own detectors saw, they saw at the wrong time."""
    for table in ("findings", "alerts"):
        store.command(f"TRUNCATE TABLE {table}")
    return Detectors(
        run_query=functools.partial(queries.run, store),
        save=store.insert,
        failed=lambda detector: sys.stderr.write(f"{detector} failed\n"),
    )


def reprice(store: Store) -> None:
    """The price of the tuned model is found once the month is over."""
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.toml"
        prices.write_text(TUNED)
        book = Book(prices)
    again = Repricing(functools.partial(queries.run, store), store, book.price, book.describe().version)
    for date in MONTH.dates():
        again.apply(datetime.combine(date, time(), timezone.utc), WHY, restate=True, now=SEEN)


def render(store: Store, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    status = {"prices": {"version": Book().describe().version}, "demo": True}
    ledger = OwnLedger(lambda name, params: json_text(queries.run(store, name, params)), lambda: status)
    for form in ("html", "pdf"):
        made = export(ledger, Asked(MONTH, MONTH.previous, SEEN), form)
        with made.body as body:
            body.seek(0)
            (out / made.name).write_bytes(body.read())


if __name__ == "__main__":
    sys.exit(main())
