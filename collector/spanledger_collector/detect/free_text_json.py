"""D39: JSON parsed out of free text, where the provider could have been asked for a fixed form."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, cost, percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_SHARE: Final = 0.5  # of a place's answered calls
TOOLS: Final = ("tool_calls", "tool_use", "function_call")  # the form of their arguments is asked for

_SNIPPET = """\
reply = client.chat.completions.parse(model=..., messages=..., response_format=Answer)  # your pydantic model"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        parsed = [row for row in calls.rows if is_parsed(row)]
        if parsed and len(parsed) >= MIN_SHARE * sum(row["outcome"] == "ok" for row in calls.rows):
            yield _finding(calls, parsed, window)


def is_parsed(row: Row) -> bool:
    """By pydantic, out of a reply that was asked for as text."""
    free = row["detailed"] and row["output_type"] in ("", "text") and row["finish_reason"] not in TOOLS
    return bool(free and row["checked_by"] == "pydantic")


def _finding(calls: Calls, parsed: list[Row], window: Window) -> Finding:
    failed = [row for row in parsed if row["checked"] == "failed"]
    return calls.finding(
        failed or parsed,
        window,
        calls.money(failed, "call", cost),
        "measured",
        detector="D39",
        category="prompt",
        title=f"JSON is parsed out of free text; {percent(len(failed), len(parsed))} of it fails",
        why=(
            f"{len(parsed):,} of {len(calls.rows):,} replies were asked for as text and then read as JSON, and "
            f"{len(failed):,} of them did not fit. They were paid for; a schema given to the provider prevents most."
        ),
        fix=Fix("Give the provider the schema: structured output, or a tool with it.", _SNIPPET),
        verify="Calls of this place carry the output type 'json', and failed checks fall below 1 %.",
        confidence="high",
    )


DETECTOR = Detector("D39", timedelta(days=7), find, claims="retry")
