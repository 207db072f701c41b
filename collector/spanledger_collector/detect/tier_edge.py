"""D30c: prompts just over the length from which the provider charges all of their tokens at a higher price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window
from spanledger_collector.detect.price_rules import Step, step_of

if TYPE_CHECKING:
    from collections.abc import Iterator

OVER: Final = 1.05  # times the step: what can be left out without being missed much

_SNIPPET = """\
while count_tokens(prompt) > {edge}:
    prompt = shortened(prompt)          # the least relevant passage first"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for calls in by_place(ask("call_facts")):
        step = step_of(calls.place.provider, calls.place.model, window.end.date())
        over = [row for row in calls.rows if step and step.above < (row["input_tokens"] or 0) <= OVER * step.above]
        if step and over:
            yield _finding(calls, over, step, window)


def _finding(calls: Calls, over: list[Row], step: Step, window: Window) -> Finding:
    def more(row: Row) -> Decimal | None:
        if row["cost_usd"] is None:
            return None
        sent = row["cost_input_usd"] + row["cost_read_usd"] + row["cost_write_usd"]
        return Decimal(sent * (1 - 1 / step.input) + row["cost_output_usd"] * (1 - 1 / step.output))

    most = max(row["input_tokens"] for row in over)
    return calls.finding(
        over,
        window,
        calls.money(over, "call", more),
        detector="D30c",
        category="cost",
        title=f"Up to {most / step.above - 1:.1%} over {step.above:,} tokens costs {step.input:g} times as much input",
        why=(
            f"{len(over):,} of {len(calls.rows):,} prompts are just longer than {step.above:,} tokens, from which on "
            f"{calls.place.model} charges all input at {step.input:g} and all output at {step.output:g} times its "
            "price. The money is what they would have cost less below it, of the tokens they have."
        ),
        fix=Fix("Leave out what is least needed until the prompt is below.", _SNIPPET.format(edge=step.above)),
        verify=f"No prompt of this place has between {step.above:,} and {int(OVER * step.above):,} tokens.",
        confidence="high",
    )


DETECTOR = Detector("D30c", timedelta(days=7), find, claims="size")
