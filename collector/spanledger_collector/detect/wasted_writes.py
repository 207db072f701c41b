"""D5: prefixes are written to the cache, at a premium, and hardly ever read from it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.claims import total
from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Claim, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW_READS: Final = Decimal("0.3")  # tokens read by tokens written

_SNIPPET = """\
# either: what is marked is the same in every call, and calls come within five minutes of one another
# or: no mark at all
system=[{"type": "text", "text": INSTRUCTIONS}]"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        writes = [row for row in calls.rows if _written(row)]
        written, read = sum(map(_written, writes)), sum(row["read_tokens"] for row in calls.rows)
        if written and read < FEW_READS * written and (found := _finding(calls, writes, (written, read), window)):
            yield found


def _written(row: Row) -> int:
    return int(row["write_5m_tokens"] + row["write_1h_tokens"])


def _finding(calls: Calls, writes: list[Row], tokens: tuple[int, int], window: Window) -> Finding | None:
    plain = _plain_price(calls)
    if plain is None:
        return None
    claims = tuple(
        Claim(row["span_id"], "input", premium)
        for row in writes
        if row["cost_usd"] is not None and (premium := row["cost_write_usd"] - plain * _written(row)) > 0
    )
    spared = plain * tokens[1] - sum((row["cost_read_usd"] for row in calls.rows), Decimal(0))
    lost = total(claims) - spared
    if lost <= 0:
        return None
    return calls.finding(
        writes,
        window,
        (lost * calls.scale, claims),
        detector="D5",
        category="cache",
        title=f"{tokens[0]:,} tokens were written to the cache, {tokens[1]:,} read from it",
        why=(
            f"{len(writes):,} of {len(calls.rows):,} calls paid the premium for writing a prefix that was then hardly "
            "read. Without any cache these calls would have been cheaper by the money shown."
        ),
        fix=Fix("Mark only what comes again unchanged within the cache's life, or nothing.", _SNIPPET),
        verify="Reads outnumber writes at this place, or there are no writes.",
        confidence="high",
    )


def _plain_price(calls: Calls) -> Decimal | None:
    """US dollars per uncached input token, as billed at this place."""
    priced = [row for row in calls.rows if row["cost_usd"] is not None and row["uncached_tokens"]]
    tokens = sum(row["uncached_tokens"] for row in priced)
    return sum((row["cost_input_usd"] for row in priced), Decimal(0)) / tokens if tokens else None


DETECTOR = Detector("D5", timedelta(days=7), find, claims="cache")
