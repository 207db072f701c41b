"""Precision and recall of the detectors on the demo's seeded pitfalls and their clean twins, as a table for the docs.

    python benchmarks/detectors.py            # prints the table
    python benchmarks/detectors.py --write    # and puts it into docs/detectors.md

Exits with 1 when a pitfall is missed, is found at other money than the answer key's, or anything undeclared is said.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanledger_collector import normalise, otlp, queries
from spanledger_collector.demo.pitfalls.score import BESIDE, Score, scores
from spanledger_collector.demo.pitfalls.seeded import WEEKS_DAYS as DAYS
from spanledger_collector.demo.pitfalls.week import DAY_NS, HOUR_NS, Week
from spanledger_collector.detect import Detectors
from spanledger_collector.pricing import Book
from spanledger_collector.store import Store

if TYPE_CHECKING:
    from decimal import Decimal

    import pyarrow as pa

PAGE = Path(__file__).parents[1] / "docs/detectors.md"
MARKED = re.compile(r"(<!-- scores: .*? -->\n).*?(<!-- /scores -->)", re.DOTALL)


def fill(store: Store, now_ns: int) -> int:
    """The seeded days before ``now_ns``, a midnight, through the collector's own reading; how many calls."""
    anchor, book, calls = now_ns // HOUR_NS, Book(None), 0
    for segment, (_, body) in enumerate(Week(anchor).requests(range(anchor - 24 * DAYS, anchor), now_ns), 1):
        spans = list(otlp.decode(body, now_ns))
        billed = [call for span in spans if (call := normalise.to_call(span))]
        for call in billed:
            call.cost = book.price(call)
        store.write(segment, billed, spans)
        calls += len(billed)
    return calls


def evaluate(store: Store, now: datetime) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def save(_: str, table: pa.Table, __: str) -> None:
        rows.extend(table.to_pylist())

    def failed(detector: str) -> None:
        sys.exit(f"detector {detector} failed")

    Detectors(run_query=lambda name, asked: queries.run(store, name, asked), save=save, failed=failed).tick(now)
    return rows


def table(found: list[Score]) -> str:
    lines = ["| | found | money | answer key | false alarms |", "|---|---|---|---|---|"]
    for score in sorted(found, key=lambda each: (int(re.sub(r"\D", "", each.detector)), each.detector)):
        right = "yes" if score.right else "at other money" if score.found else "no"
        lines.append(
            f"| {score.detector} | {right} | {_usd(score.usd)} | {_usd(score.answer.usd)} | {len(score.false_alarms)} |"
        )
    hits, alarms = sum(score.found for score in found), sum(len(score.false_alarms) for score in found)
    right = sum(score.right for score in found)
    summary = (
        f"Recall {hits / len(found):.3f} ({hits} of {len(found)} pitfalls), precision {hits / (hits + alarms):.3f} "
        f"({alarms} false alarms), {right} of {len(found)} at the answer key's money."
    )
    return "\n".join([summary, "", *lines, ""])


def _usd(money: Decimal | None) -> str:
    return "-" if money is None else f"${money:,.4f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/detectors.md")
    options = parser.parse_args()
    now_ns = time.time_ns() // DAY_NS * DAY_NS
    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(f"chdb://{directory}/store")
        calls = fill(store, now_ns)
        found = scores(evaluate(store, datetime.fromtimestamp(now_ns / 1e9, timezone.utc) + timedelta(minutes=5)))
        store.close()
    text = table(found)
    beside = sum(len(others) for others in BESIDE.values())
    sys.stdout.write(f"{calls:,} calls of {DAYS} days; {beside} findings beside a pitfall are declared.\n{text}")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(MARKED.sub(lambda marks: marks[1] + text + marks[2], page), encoding="utf-8")
    return 0 if all(score.right and not score.false_alarms for score in found) else 1


if __name__ == "__main__":
    sys.exit(main())
