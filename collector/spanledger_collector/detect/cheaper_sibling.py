"""D29: short answers of a fixed form that a smaller model of the same family may be good enough for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from statistics import mean, pstdev
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import Calls, by_place, validated
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Row, Window
from spanledger_collector.detect.price_rules import Sibling, sibling_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT: Final = 100  # tokens of a reply
MIN_SHARE: Final = 0.9  # of a place's answered calls
MOST_FAILED: Final = 0.02  # of replies that do not fit: then a smaller model is no idea
MOST_VARIED: Final = 0.5  # spread of the replies' lengths by their mean

_SNIPPET = """\
sample = random.sample(requests, 200)
agree = sum(ask(r, "{model}") == ask(r, "{sibling}") for r in sample)   # then decide"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    tools = {row["span_id"] for row in ask("prompt_prefixes") if row["tools"]}
    for calls in by_place(ask("call_facts")):
        answered = [row for row in calls.rows if row["outcome"] == "ok"]
        simple = [row for row in answered if _is_simple(row) and row["span_id"] not in tools]
        sibling = sibling_of(calls.place.provider, calls.place.model, window.end.date())
        if sibling and simple and len(simple) >= MIN_SHARE * len(answered) and _alike(simple) and _fit(simple):
            yield _finding(calls, simple, sibling, window)


def _is_simple(row: Row) -> bool:
    structured = bool(row["schema_name"]) or row["output_type"] == "json"
    return structured and 0 < (row["output_tokens"] or 0) <= SHORT and not row["reasoning_tokens"]


def _alike(rows: list[Row]) -> bool:
    lengths: list[int] = [row["output_tokens"] for row in rows]
    return pstdev(lengths) <= MOST_VARIED * mean(lengths)


def _fit(rows: list[Row]) -> bool:
    return sum(validated(row) == "failed" for row in rows) <= MOST_FAILED * len(rows)


def _finding(calls: Calls, simple: list[Row], sibling: Sibling, window: Window) -> Finding:
    def less(row: Row) -> Decimal | None:
        if row["cost_usd"] is None:
            return None
        sent = row["cost_input_usd"] + row["cost_read_usd"] + row["cost_write_usd"]
        return Decimal(sent * (1 - sibling.input) + row["cost_output_usd"] * (1 - sibling.output))

    model, lengths = calls.place.model, [row["output_tokens"] for row in simple]
    return calls.finding(
        simple,
        window,
        calls.money(simple, "call", less),
        detector="D29",
        category="cost",
        title=f"Worth a test: {sibling.model} for replies of {mean(lengths):.0f} tokens",
        why=(
            f"{len(simple):,} of {len(calls.rows):,} calls to {model} get a short reply of a fixed form, at most "
            f"{max(lengths):,} tokens, without tools or reasoning. {sibling.model} costs {sibling.input:.0%} of it. "
            "The money is what all of them would cost less; whether the answers are as good, only a test shows."
        ),
        fix=Fix(
            "Ask both models on a sample and compare; change only if they agree.",
            _SNIPPET.format(model=model, sibling=sibling.model),
        ),
        verify="Cost per call falls, and failed validations and complaints do not rise.",
        confidence="low",
    )


DETECTOR = Detector("D29", timedelta(days=7), find, claims="model")
