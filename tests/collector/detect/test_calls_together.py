"""Detectors that look at several calls at once: fallbacks, calls in a row, retries that grow, checks after the call."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.calls import make_span
from tests.support.traffic import DAY_S, told, write

from spanledger import semconv
from spanledger_collector.detect import DETECTORS
from spanledger_collector.detect.rates import is_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.model import Span

BY_ID = {each.id: each for each in DETECTORS}
USAGE = {"usage_input_tokens": 1000, "usage_output_tokens": 100}
GPT_USD = Decimal("0.0028")  # of USAGE by gpt-4.1: $2 and $8 a million
CLAUDE_USD = Decimal("0.0045")  # by claude-sonnet-4-6: $3 and $15
FALLBACK = {"provider_name": "anthropic", "request_model": "claude-sonnet-4-6", "logical_ordinal": 2, **USAGE}
SECOND = 10**9


def ago(number: int, of: int = 20) -> float:
    """Seconds: so many an hour ago and as many a day before, a minute apart."""
    return 3600 + (number // of) * DAY_S + (number % of) * 60


def falling_back(days: int) -> list[Span]:
    """Every other call to gpt-4.1 fails and is answered by Claude, on the last ``days`` days of two."""
    spans = []
    for number in range(80):
        fails = number % 2 == 0 and number < 40 * days
        usage = {"outcome": "error"} if fails else USAGE
        spans.append(told(ago(number, 40), f"first {number}", **usage))
        if fails:
            more = {"fallback_from": "gpt-4.1", "code_line": 30, **FALLBACK}
            spans.append(told(ago(number, 40) - 5, f"second {number}", **more))
    return spans


def test_a_fallback_that_became_the_rule(ledger: Any, look: Any) -> None:
    write(ledger, falling_back(1))
    assert look(BY_ID["D18"]) == []
    ledger.clear()
    write(ledger, falling_back(2))
    (found,) = look(BY_ID["D18"])
    assert found["title"].startswith("Running on the fallback claude-sonnet-4-6 for ")
    assert "50% of the calls to gpt-4.1 failed" in found["why"]
    assert found["money_usd"] == (CLAUDE_USD - GPT_USD) * 40
    assert (found["model"], found["money_grade"]) == ("claude-sonnet-4-6", "modelled")


@pytest.mark.parametrize(
    ("answered", "same"),
    [("gpt-4.1", True), ("gpt-4.1-2025-04-14", True), ("gpt-4.1-mini", False), ("gpt-4.1-mini-2025-04-14", False)],
)
def test_a_dated_version_is_the_same_model_and_a_sibling_is_not(answered: str, same: bool) -> None:  # noqa: FBT001
    assert is_model(answered, "gpt-4.1") is same


def outage(fell_back: bool) -> list[Span]:  # noqa: FBT001 - as the tests name it
    spans = []
    for minute in range(60):
        for number in range(10):
            down = 20 <= minute < 30
            at = 7200 - minute * 60 + number
            spans.append(told(at, f"{minute} {number}", outcome="error" if down else "ok", **USAGE))
            if down and fell_back:
                spans.append(told(at - 1, f"other {minute} {number}", fallback_from="gpt-4.1", **FALLBACK))
    return spans


def test_an_outage_without_a_fallback(ledger: Any, look: Any) -> None:
    write(ledger, outage(fell_back=True))
    assert look(BY_ID["D18"]) == []
    ledger.clear()
    write(ledger, outage(fell_back=False))
    (found,) = look(BY_ID["D18"])
    # Ten minutes, which the calls of a minute may begin and end in the next of the clock's.
    assert re.match(r"No fallback in an outage of (9|10|11) minutes", found["title"])
    assert found["money_usd"] is None


def in_a_row(carried: int, gap_s: float = 0.01) -> list[Span]:
    """Twelve requests of three calls; each prompt is longer by so many characters for each of the reply before it."""
    spans, now = [], time.time_ns()
    for request in range(12):
        start = now - int(ago(request, 6) * SECOND)
        parent, trace = (request + 1).to_bytes(8, "big"), (request + 1).to_bytes(16, "big")
        reply = 0
        for place in range(3):
            prompt = 4000 + 7 * (request * 5 + place * 3) % 40 + carried * reply
            reply = 200 + 97 * (request * 7 + place * 11) % 900
            chars = {"input_chars": prompt, "output_chars": reply, "parent_span_id": parent, "trace_id": trace}
            span = told(0, f"{request} {place}", code_line=20 + place, **chars, **USAGE)
            spans.append(replace(span, start_ns=start, end_ns=start + 2 * SECOND))
            start += int((2 + gap_s) * SECOND)
    return spans


def test_calls_in_a_row_that_do_not_need_one_another(ledger: Any, look: Any) -> None:
    write(ledger, in_a_row(carried=1))
    assert look(BY_ID["D22"]) == []
    ledger.clear()
    write(ledger, in_a_row(carried=0, gap_s=5.0))
    assert look(BY_ID["D22"]) == []
    ledger.clear()
    write(ledger, in_a_row(carried=0))
    (found,) = look(BY_ID["D22"])
    assert found["title"] == "3 calls one after the other: 6.0 s where 2.0 s would do"
    assert (found["money_usd"], found["call_site"], found["model"]) == (None, "", "gpt-4.1")


def tried_again(tokens: Callable[[int], int], *, first_fails: bool = True) -> list[Span]:
    """Twenty requests of three attempts each, the last of which does."""
    spans = []
    for request in range(20):
        parent, trace = (request + 1).to_bytes(8, "big"), (request + 1).to_bytes(16, "big")
        for attempt in range(3):
            failed = first_fails and attempt < 2
            spans.append(
                told(
                    ago(request, 10) - attempt * 5,
                    f"{request} {attempt}",
                    parent_span_id=parent,
                    trace_id=trace,
                    outcome="error" if failed else "ok",
                    validation_outcome="failed" if failed else "ok",
                    **(USAGE | {"usage_input_tokens": tokens(attempt)}),
                )
            )
    return spans


def test_retries_that_grow(ledger: Any, look: Any) -> None:
    write(ledger, tried_again(lambda _: 1000))
    assert look(BY_ID["D38"]) == []
    ledger.clear()
    write(ledger, tried_again(lambda attempt: 1000 * (attempt + 1), first_fails=False))
    assert look(BY_ID["D38"]) == []  # an agent's turns grow, and nothing has failed
    ledger.clear()
    write(ledger, tried_again(lambda attempt: 1000 * (attempt + 1)))
    (found,) = look(BY_ID["D38"])
    assert found["title"] == "Attempt 3 sends 3.0 times the tokens"
    assert found["money_usd"] == (1000 + 2000) * Decimal("2e-6") * 20


def test_a_framework_that_tries_again_says_so_around_its_calls(ledger: Any, look: Any) -> None:
    write(ledger, tried_again(lambda attempt: 1000 * (attempt + 1), first_fails=False))
    now = time.time_ns()
    for request in range(20):
        start = now - int(ago(request, 10) * SECOND)
        ids = {"trace_id": (request + 1).to_bytes(16, "big"), "span_id": (request + 1).to_bytes(8, "big")}
        around = {semconv.TRIES: 3, semconv.TRY_OUTCOMES: ["invalid", "invalid", "ok"]}
        ledger.write([], [make_span(around, kind=1, start_ns=start, end_ns=start + SECOND, **ids)])
    (found,) = look(BY_ID["D38"])
    assert found["money_usd"] == (1000 + 2000) * Decimal("2e-6") * 20


def checked(span: Span, outcome: str, number: int) -> Span:
    """What the library tells when pydantic reads a reply after its call."""
    told_of = {
        semconv.JUDGED_SPAN_ID: span.span_id.hex(),
        semconv.VALIDATION_BY: "pydantic",
        semconv.VALIDATION_OUTCOME: outcome,
        semconv.VALIDATION_SCHEMA: "Invoice",
    } | ({semconv.VALIDATION_FIELDS: ["total"], semconv.VALIDATION_ERRORS: ["decimal"]} if outcome == "failed" else {})
    ids = {"trace_id": span.trace_id, "span_id": (1000 + number).to_bytes(8, "big"), "parent_span_id": span.span_id}
    return make_span(told_of, kind=1, start_ns=span.end_ns, end_ns=span.end_ns, **ids)


def parsed(ledger: Any, **more: Any) -> None:
    spans = [told(ago(number), f"call {number}", **USAGE, **more) for number in range(40)]
    write(ledger, spans)
    ledger.write([], [checked(span, "ok" if n % 4 else "failed", n) for n, span in enumerate(spans)])


@pytest.mark.parametrize("more", [{"output_type": "json"}, {"response_finish_reasons": ["tool_calls"]}])
def test_a_form_that_was_asked_for_is_silent(ledger: Any, look: Any, more: dict[str, Any]) -> None:
    parsed(ledger, **more)
    assert look(BY_ID["D39"]) == []


def test_json_out_of_free_text(ledger: Any, look: Any) -> None:
    parsed(ledger)
    (found,) = look(BY_ID["D39"])
    assert found["title"] == "JSON is parsed out of free text; 25.0 % of it fails"
    assert (found["money_usd"], found["money_grade"]) == (GPT_USD * 10, "measured")


def test_a_retry_that_also_repeats_a_request_is_paid_for_once(ledger: Any, look: Any) -> None:
    parsed(ledger, more={semconv.FINGERPRINT_REQUEST: "ab" * 16})
    found = {row["detector"]: row for row in look(BY_ID["D23"], BY_ID["D39"])}
    # All but the first of a day repeat it; of the ten that failed, those are the repeats' already.
    assert found["D23"]["money_usd"] == GPT_USD * 38
    assert found["D39"]["money_usd"] + found["D39"]["overlap_usd"] == GPT_USD * 10
    assert found["D39"]["money_usd"] <= GPT_USD * 2


def test_a_check_after_the_call_counts_as_one_of_the_call(ledger: Any, look: Any) -> None:
    parsed(ledger, output_type="json")
    (found,) = look(BY_ID["D36"])
    assert found["title"] == "Invoice.total fails validation in 25.0 % of the replies"
    assert (found["money_usd"], found["money_grade"]) == (GPT_USD * 10, "measured")
    assert "total (decimal, 10)" in found["why"]


def test_a_reply_that_two_checks_judge_is_one(ledger: Any, look: Any) -> None:
    parsed(ledger, output_type="json", validation_outcome="failed", validation_schema="Own", validation_fields=["a"])
    (found,) = look(BY_ID["D36"])
    assert found["title"].endswith("fails validation in 100.0 % of the replies")
    assert found["money_usd"] == GPT_USD * 40


def test_free_text_that_is_no_json_is_told_as_such(ledger: Any, look: Any) -> None:
    parsed(ledger)
    assert look(BY_ID["D36"]) == []


def test_a_cut_reply_that_a_later_check_could_not_read_was_cut(ledger: Any, look: Any) -> None:
    parsed(ledger, output_type="json", response_finish_reasons=["length"], request_max_tokens=100)
    assert look(BY_ID["D36"]) == []
    (found,) = look(BY_ID["D37"])
    assert found["title"] == "10 of 10 failed parses were cut off at 100 tokens"
    assert found["money_usd"] == GPT_USD * 10
