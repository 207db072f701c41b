"""Detectors that look at single calls: the known dollars of a pitfall, and silence on its clean twin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.traffic import DAY_S, prompted, told, write

from spanledger_collector.detect import DETECTORS

BY_ID = {each.id: each for each in DETECTORS}
USAGE = {"usage_input_tokens": 1000, "usage_output_tokens": 100}
CALL_USD = Decimal("0.0028")  # of USAGE by gpt-4.1: $2 and $8 a million
CALLS = 40


def traffic(seed: str, of: Any, gap_s: float = 60.0) -> list[Any]:
    """Twenty calls on each of two days; ``of`` says what the library told of the n-th."""
    spans = []
    for number in range(CALLS):
        ago = 3600 + (number // 20) * DAY_S + (number % 20) * gap_s
        spans.append(told(ago, f"{seed} {number}", **(USAGE | of(number))))
    return spans


def asked(number: int) -> dict[str, Any]:
    return {"more": prompted("gpt-4.1", None, [{"role": "user", "content": f"Where is order {number}?"}])}


def repeated(number: int) -> dict[str, Any]:
    return {"request_temperature": 0.0, **asked(number % 2)}


def invalid(number: int) -> dict[str, Any]:
    if number % 4 != 3:
        return {"validation_outcome": "ok", "validation_schema": "Invoice"}
    failed = {"validation_fields": ["invoice.total"], "validation_errors": ["decimal_parsing"]}
    return {"validation_outcome": "failed", "validation_schema": "Invoice", **failed}


def cut(number: int) -> dict[str, Any]:
    reason = ["length"] if number % 4 == 3 else ["stop"]
    return {**invalid(number), "response_finish_reasons": reason, "request_max_tokens": 100}


def thinking(_: int) -> dict[str, Any]:
    return {"usage_reasoning": 90}


def futile(number: int) -> dict[str, Any]:
    return {"attempts": 2, "attempt_statuses": [422, 200], "attempt_waits": [1.0, 0.0], "attempt_durations": [0.5, 1.0]}


def stuck(number: int) -> dict[str, Any]:
    hangs = number in {5, 25, 35}
    return {"request_timeout": 600.0, "duration_s": 300.0 if hangs else 1.0, "outcome": "error" if hangs else "ok"}


def untold(number: int) -> dict[str, Any]:
    return {"request_stream": True, "usage_input_tokens": None, "usage_output_tokens": None, "input_chars": 400}


# Detector, its pitfall, the dollars, words of the title, the clean twin.
PITFALLS: list[tuple[str, Any, Decimal | None, str, Any]] = [
    ("D23", repeated, CALL_USD * (CALLS - 4), "90.0 % of the calls repeat a request", asked),
    (
        "D36",
        invalid,
        CALL_USD * 10,
        "Invoice.invoice.total fails validation in 25.0 %",
        lambda n: {"validation_outcome": "ok"},
    ),
    ("D37", cut, CALL_USD * 10, "10 of 10 failed parses were cut off at 100 tokens", invalid),
    (
        "D30",
        thinking,
        Decimal("0.00072") * CALLS,
        "90.0 % of the output is reasoning",
        lambda n: {"usage_reasoning": 30},
    ),
    (
        "D14",
        futile,
        None,
        "40 retries of requests that cannot succeed",
        lambda n: {**futile(n), "attempt_statuses": [500, 200]},
    ),
    ("D15", stuck, None, "The default timeout let 3 calls hang", lambda n: {**stuck(n), "request_timeout": 30.0}),
    ("D32", untold, None, "100.0 % of the calls stream without", lambda n: {"request_stream": True}),
]


@pytest.mark.parametrize("row", PITFALLS, ids=[row[0] for row in PITFALLS])
def test_the_pitfall_is_found_with_its_dollars_and_its_clean_twin_is_not(ledger: Any, look: Any, row: Any) -> None:
    name, pitfall, usd, title, clean = row
    write(ledger, traffic("clean", clean))
    assert look(BY_ID[name]) == []
    write(ledger, traffic("pitfall", lambda n: {"code_line": 99, **pitfall(n)}))
    (found,) = look(BY_ID[name])
    assert title in found["title"]
    assert found["money_usd"] == usd
    assert (found["detector"], found["call_site"], found["service"]) == (name, "shop/answers.py:99", "shop")
    assert found["trace_ids"]
    assert found["fix"]
    assert found["verify"]


@pytest.mark.parametrize("name", [row[0] for row in PITFALLS])
def test_a_handful_of_calls_is_no_finding(ledger: Any, look: Any, name: str) -> None:
    pitfall = next(row[1] for row in PITFALLS if row[0] == name)
    write(ledger, traffic("few", pitfall)[:4])
    assert look(BY_ID[name]) == []


def test_nothing_is_found_in_an_empty_ledger(look: Any) -> None:
    assert look(*DETECTORS) == []


def test_a_dollar_of_two_findings_is_claimed_once(ledger: Any, look: Any) -> None:
    write(ledger, traffic("both", lambda n: {**invalid(n), **repeated(n)}))
    found = {row["detector"]: row for row in look(BY_ID["D23"], BY_ID["D36"])}
    assert found["D23"]["overlap_usd"] is None
    # Of the ten invalid replies, all but each day's first answered something asked before.
    assert found["D36"]["overlap_usd"] == CALL_USD * 8
    assert found["D36"]["money_usd"] == CALL_USD * 2
