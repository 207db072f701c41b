"""D28: bursts of calls that nobody waits for, at the full price: the provider's batch API takes half of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

OFFERS: Final = ("openai", "anthropic", "gcp.gemini", "azure.ai.openai", "mistral_ai", "groq")  # a batch at half price
CHEAPER: Final = ("batch", "flex")
HALF: Final = Decimal("0.5")
BURST_CALLS: Final = 50
BURST_GAP_S: Final = 30.0
MIN_BURSTS: Final = 2
MIN_SHARE: Final = 0.8  # of a place's calls
_ROOT: Final = "0" * 16

_SNIPPET = """\
batch = client.batches.create(input_file_id=..., endpoint="/v1/chat/completions", completion_window="24h")
# or, where minutes are soon enough: client.responses.create(..., service_tier="flex")"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        if found := bursts(calls):
            yield _finding(calls, len(found), [row for burst in found for row in burst], window)


def bursts(calls: Calls) -> list[list[Row]]:
    """Where most calls of a place come in large ones; else none."""
    rows = [row for row in calls.rows if waits_for_nobody(row)]
    large = [burst for burst in _bursts(rows) if len(burst) >= BURST_CALLS]
    enough = len(large) >= MIN_BURSTS and sum(map(len, large)) >= MIN_SHARE * len(calls.rows)
    return large if enough else []


def waits_for_nobody(row: Row) -> bool:
    """No span around it, not streamed, no conversation, and not cheap already."""
    alone = row["parent_span_id"] == _ROOT and not row["stream"] and not row["conversation"]
    return alone and row["provider"] in OFFERS and row["service_tier"] not in CHEAPER and row["outcome"] == "ok"


def _bursts(rows: list[Row]) -> Iterator[list[Row]]:
    burst = rows[:1]
    for before, row in pairwise(rows):
        if (row["start"] - before["start"]).total_seconds() > BURST_GAP_S:
            yield burst
            burst = []
        burst.append(row)
    if burst:
        yield burst


def half(row: Row) -> Decimal | None:
    """Cache discounts do not stack with the batch's everywhere: what was read from the cache is left out."""
    return None if row["cost_usd"] is None else (row["cost_usd"] - row["cost_read_usd"]) * HALF


def _finding(calls: Calls, number: int, inside: list[Row], window: Window) -> Finding:
    return calls.finding(
        inside,
        window,
        calls.money(inside, "call", half),
        detector="D28",
        category="cost",
        title=f"{number:,} bursts of calls that nobody waits for, at the full price",
        why=(
            f"{len(inside):,} of {len(calls.rows):,} calls came in {number:,} bursts of at least {BURST_CALLS} with "
            "nothing around them that a user waits for. As a batch they cost half, if the results may take up to a day."
        ),
        fix=Fix("Send them as a batch, or with the flex tier.", _SNIPPET),
        verify="Calls of this place carry the tier 'batch' or 'flex', at half the cost per call.",
        confidence="medium",
    )


DETECTOR = Detector("D28", timedelta(days=7), find, claims="batch")
