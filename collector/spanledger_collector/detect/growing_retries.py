"""D38: requests that grow each time they are sent again after a reply that did not do."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, validated
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GROWN: Final = 1.5  # times the first attempt's tokens
MIN_CHAINS: Final = 5
_ROOT: Final = "0" * 16

_SNIPPET = """\
messages = [*original, {"role": "user", "content": f"Not valid: {errors}. Answer again."}]  # not all replies so far"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        chains = [chain for chain in _chains(calls) if _grows(chain)]
        if len(chains) >= MIN_CHAINS:
            yield _finding(calls, chains, window)


def _chains(calls: Calls) -> Iterator[list[Row]]:
    """Attempts at one thing: below one parent, each after one that failed or whose reply did not fit."""
    below: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in calls.rows:
        if row["parent_span_id"] != _ROOT and row["input_tokens"]:
            below[row["trace_id"], row["parent_span_id"]].append(row)
    for rows in below.values():
        chain = rows[:1]
        for before, row in pairwise(rows):
            if not _did_not_do(before):
                yield chain
                chain = []
            chain.append(row)
        yield chain


def _did_not_do(row: Row) -> bool:
    failed = row["outcome"] == "error" or validated(row) == "failed"
    return failed or (row["tries"] or 0) > 1


def _grows(chain: Sequence[Row]) -> bool:
    tokens = [row["input_tokens"] for row in chain]
    return len(tokens) > 1 and all(a < b for a, b in pairwise(tokens)) and tokens[-1] >= GROWN * tokens[0]


def _finding(calls: Calls, chains: list[list[Row]], window: Window) -> Finding:
    first = {row["span_id"]: chain[0]["input_tokens"] for chain in chains for row in chain[1:]}

    def more(row: Row) -> Decimal | None:
        if row["cost_usd"] is None or not row["uncached_tokens"]:
            return None
        grown = min(row["input_tokens"] - first[row["span_id"]], row["uncached_tokens"])
        return Decimal(row["cost_input_usd"] / row["uncached_tokens"] * grown)

    worst = max(chains, key=lambda chain: chain[-1]["input_tokens"] / chain[0]["input_tokens"])
    again = [row for chain in chains for row in chain[1:]]
    shown = sorted((row for chain in chains for row in chain), key=lambda row: row["start"])
    return calls.finding(
        shown,
        window,
        calls.money(again, "input", more),
        detector="D38",
        category="prompt",
        title=f"Attempt {len(worst)} sends {worst[-1]['input_tokens'] / worst[0]['input_tokens']:.1f} times the tokens",
        why=(
            f"{len(chains):,} requests were sent again after a reply that did not do, {len(again):,} times in all, and "
            "grew with every attempt: the replies and errors before it go along. The money is what they grew by."
        ),
        fix=Fix("Send the errors, not every reply so far, and bound the attempts.", _SNIPPET),
        verify="Later attempts have about as many input tokens as the first.",
        confidence="high",
    )


DETECTOR = Detector("D38", timedelta(days=7), find, claims="retry")
