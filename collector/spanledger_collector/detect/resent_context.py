"""D26: conversations that send everything said so far again with every turn, outside of the cache."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_TURNS: Final = 3
MIN_SHARE: Final = 0.6  # of the input tokens of such conversations

_SNIPPET = """\
client.responses.create(..., previous_response_id=last.id)   # or keep the history's beginning unchanged, so that it is
                                                             # read from the cache, and summarise what is old"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        again = list(_again(calls))
        everything = sum(row["input_tokens"] for row, _ in again)
        resent = sum(tokens for _, tokens in again)
        if everything and resent >= MIN_SHARE * everything and (found := _finding(calls, again, resent, window)):
            yield found


def _again(calls: Calls) -> Iterator[tuple[Row, int]]:
    """Every turn of the longer conversations, and how many of its tokens at least an earlier turn had sent."""
    conversations: dict[str, list[Row]] = defaultdict(list)
    for row in calls.rows:
        if row["conversation"] and row["input_tokens"]:
            conversations[row["conversation"]].append(row)
    for turns in conversations.values():
        if len(turns) < MIN_TURNS:
            continue
        longest = 0
        for row in turns:
            yield row, min(longest, row["input_tokens"])
            longest = max(longest, row["input_tokens"])


def _finding(calls: Calls, again: list[tuple[Row, int]], resent: int, window: Window) -> Finding | None:
    claims = tuple(claim for row, tokens in again if (claim := _claim(row, tokens)) is not None)
    rows = [row for row, _ in again]
    everything = sum(row["input_tokens"] for row in rows)
    cached = sum(row["read_tokens"] for row in rows)
    if not claims:
        return None
    return calls.finding(
        rows,
        window,
        (total(claims) * calls.scale, claims),
        detector="D26",
        category="cost",
        title=f"{resent / everything:.0%} of the input had been sent before in the same conversation",
        why=(
            f"{len(rows):,} turns sent {everything:,} input tokens, of which at least {resent:,} were what earlier "
            f"turns had sent; {cached:,} were read from the cache. The money is the uncached part of them."
        ),
        fix=Fix(
            "Let the provider keep the conversation, keep its beginning cacheable, or summarise old turns.", _SNIPPET
        ),
        verify="Input tokens per turn stop growing, or most of them are cache reads.",
        confidence="medium",
    )


def _claim(row: Row, tokens: int) -> Claim | None:
    plain = max(0, min(row["uncached_tokens"], tokens - row["read_tokens"]))
    if row["cost_usd"] is None or not plain:
        return None
    return Claim(row["span_id"], "input", row["cost_input_usd"] * Decimal(plain) / row["uncached_tokens"])


DETECTOR = Detector("D26", timedelta(days=7), find, claims="size")
