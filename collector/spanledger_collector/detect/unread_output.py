"""D45: output that was generated, and paid for, after the reader had left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, cost, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

MIN_CALLS: Final = 5
MIN_SHARE: Final = 0.02  # of a place's calls
LEFT: Final = ("abandoned", "cancelled")

_SNIPPET = """\
with client.chat.completions.create(..., stream=True) as stream:   # closes the connection when left:
    for chunk in stream:                                            # the provider stops generating
        ..."""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        left = [row for row in calls.rows if row["outcome"] in LEFT]
        if len(left) >= max(MIN_CALLS, MIN_SHARE * len(calls.rows)):
            yield _finding(calls, left, window)


def _finding(calls: Calls, left: list[Row], window: Window) -> Finding:
    money, claims = calls.money(left, "call", cost)
    unknown = sum(cost(row) is None for row in left)
    rest = f" {unknown:,} of them ended before their tokens were told: what they cost is unknown." if unknown else ""
    return calls.finding(
        left,
        window,
        (money, claims) if money else (None, ()),
        detector="D45",
        category="prompt",
        title=f"{percent(len(left), len(calls.rows))} of the replies were not read to their end",
        why=f"{len(left):,} streamed replies were left or cancelled before their end.{rest} {_paid(money)}",
        fix=Fix("Close the stream when its reader is gone, and ask for shorter replies where readers leave.", _SNIPPET),
        verify="Abandoned and cancelled calls of this place fall below 2 %.",
        confidence="medium",
    )


def _paid(money: Decimal | None) -> str:
    return "" if money is None else "The money is what is known of their cost, the prompt included."


DETECTOR = Detector("D45", timedelta(days=7), find, claims="truncation")
