"""D30: reasoning that costs far more than the short answer it leads to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, percent, traces
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.8  # reasoning of the output
SHORT: Final = 100  # visible tokens
MIN_OF_CALLS: Final = 0.5

_SNIPPET = 'client.responses.create(..., reasoning={"effort": "low"})'


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        over = [row for row in calls.rows if _overspends(row)]
        if over and len(over) >= MIN_OF_CALLS * len(calls.rows):
            yield _finding(calls, over, window)


def _overspends(row: Row) -> bool:
    output, reasoning = row["output_tokens"] or 0, row["reasoning_tokens"]
    return bool(output and reasoning >= MIN_SHARE * output and output - reasoning < SHORT)


def _reasoning_usd(row: Row) -> Decimal | None:
    if row["cost_usd"] is None:
        return None
    return Decimal(row["cost_output_usd"]) * Decimal(row["reasoning_tokens"]) / Decimal(row["output_tokens"])


def _finding(calls: Calls, over: list[Row], window: Window) -> Finding:
    reasoning, output = (sum(row[name] for row in over) for name in ("reasoning_tokens", "output_tokens"))
    money, claims = calls.money(over, "output", _reasoning_usd)
    return Finding(
        detector="D30",
        category="cost",
        place=calls.place,
        window=window,
        title=f"{percent(reasoning, output)} of the output is reasoning for short answers",
        why=(
            f"{len(over):,} of {len(calls.rows):,} calls thought with {reasoning:,} tokens to answer with "
            f"{output - reasoning:,}: {(output - reasoning) / len(over):.0f} a call. The money is all of that "
            "reasoning; how much of it the answers need, only a test shows."
        ),
        fix=Fix("Try a lower reasoning effort, or a model that does not reason, on a sample of these.", _SNIPPET),
        verify="Output tokens per call fall, and the answers' quality in your own test does not.",
        confidence="low",
        trace_ids=traces(over),
        money_usd=money,
        money_grade="none" if money is None else "modelled",
        evidence=calls.evidence(over),
        claims=claims,
    )


DETECTOR = Detector("D30", timedelta(days=7), find, claims="size")
