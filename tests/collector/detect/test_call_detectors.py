"""Detectors that look at single calls: the known dollars of a pitfall, and silence on its clean twin."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_span
from tests.support.traffic import DAY_S, prompted, told, write

from spanledger import semconv
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


def hasty(_: int) -> dict[str, Any]:
    waits = {"attempt_waits": [0.1, 0.1, 0.0], "attempt_durations": [0.2, 0.2, 1.0], "attempt_retry_afters": [-1.0] * 3}
    return {"attempts": 3, "attempt_statuses": [429, 429, 200], **waits}


def patient(n: int) -> dict[str, Any]:
    return {**hasty(n), "attempt_waits": [1.0, 2.5, 0.0]}


def cut_off(number: int) -> dict[str, Any]:
    fails = number % 4 == 0
    return {"duration_s": 30.0 + number / 100, "outcome": "error", "error_type": "APITimeoutError"} if fails else {}


def slow_errors(number: int) -> dict[str, Any]:
    return {**cut_off(number), "duration_s": 1.0 + number}


def near_limit(number: int, left: int = 300_000) -> dict[str, Any]:
    limits = {"spanledger.rate_limit.tokens.limit": 30_000_000, "spanledger.rate_limit.tokens.remaining": left}
    return {"more": limits}


def refused(number: int, early: int = 0) -> dict[str, Any]:
    """Numbers of the first day are the later calls."""
    late = number < 20 and number % 2 == 0
    return {"response_finish_reasons": ["content_filter" if late or (number >= 20 and number < 20 + early) else "stop"]}


def left(number: int) -> dict[str, Any]:
    return {"request_stream": True, "outcome": "abandoned" if number % 4 == 0 else "ok"}


def warm(_: int) -> dict[str, Any]:
    return {"request_temperature": 0.9, "output_type": "json"}


def looped(number: int, of: int = 10) -> dict[str, Any]:
    """So many items of a list in one parent; half of each prompt is the instructions."""
    text = "Score this item of the list. " * 40
    prompt = prompted("gpt-4.1", text, [{"role": "user", "content": f"{number:04}".ljust(len(text) + 2, "x")}])
    parent = number // of + 1
    return {"parent_span_id": parent.to_bytes(8, "big"), "trace_id": parent.to_bytes(16, "big"), "more": prompt}


def turned(number: int) -> dict[str, Any]:
    """Conversations of ten turns, each 1,000 tokens longer than the one before; later turns have lower numbers."""
    turn = 9 - number % 10
    return {"conversation_id": f"c{number // 10}", "usage_input_tokens": 1000 * (turn + 1)}


RESENT = sum(range(1, 10)) * 1000 * 4  # of four conversations: what the turn before had, from the second turn on


def wordy(number: int, question: int = 100) -> dict[str, Any]:
    system = "Answer as a support assistant who knows the rules of the shop. " * 60
    return {"more": prompted("gpt-4.1", system, [{"role": "user", "content": chr(65 + number) * question}])}


def odd(_: int) -> dict[str, Any]:
    return {"usage_cache_read": 5000}


def documents(number: int, *, in_system: bool = True) -> dict[str, Any]:
    document = f"{chr(65 + number)} document. " * 200
    system = f"Answer from this: {document}" if in_system else "Answer from the document. " * 100
    return {
        "more": prompted(
            "gpt-4.1", system, [{"role": "user", "content": "What does it say?" if in_system else document}]
        )
    }


def held_back(_: int, first_s: float = 3.9) -> dict[str, Any]:
    return {
        "request_stream": True,
        "usage_output_tokens": 400,
        "duration_s": 4.0,
        "response_time_to_first_chunk": first_s,
    }


def instructions_usd() -> Decimal:
    """Half of what the system message costs, call by call."""
    _, system, messages = wordy(0)["more"][semconv.PREFIX_SECTION_CHARS]
    return int(system * 1000 / (system + messages)) * Decimal("2e-6") / 2 * CALLS


# Detector, its pitfall, the dollars, words of the title, the clean twin.
PITFALLS: list[tuple[str, Any, Decimal | None, str, Any]] = [
    ("D23", repeated, CALL_USD * (CALLS - 4), "90.0 % of the calls repeat a request", asked),
    (
        "D36",
        invalid,
        CALL_USD * 10,
        "Invoice.invoice.total fails validation in 25.0 %",
        lambda _: {"validation_outcome": "ok"},
    ),
    ("D37", cut, CALL_USD * 10, "10 of 10 failed parses were cut off at 100 tokens", invalid),
    (
        "D30",
        thinking,
        Decimal("0.00072") * CALLS,
        "90.0 % of the output is reasoning",
        lambda _: {"usage_reasoning": 30},
    ),
    (
        "D14",
        futile,
        None,
        "40 retries of requests that cannot",
        lambda n: {**futile(n), "attempt_statuses": [500, 200]},
    ),
    ("D15", stuck, None, "The default timeout let 3 calls hang", lambda n: {**stuck(n), "request_timeout": 30.0}),
    ("D32", untold, None, "100.0 % of the calls stream without", lambda _: {"request_stream": True}),
    ("D13", hasty, None, "Repeats come too soon to help", patient),
    ("D16", cut_off, None, "25.0 % of the calls die at 30.", slow_errors),
    ("D21", near_limit, None, "99% of the limit of 30,000,000 tokens is in use", lambda n: near_limit(n, 20_000_000)),
    ("D24", looped, Decimal("0.001") * 9 * 4, "10 calls for one request", lambda n: looped(n, 4)),
    (
        "D26",
        turned,
        RESENT * Decimal("2e-6"),
        "82% of the input had been sent before",
        lambda n: {**turned(n), "conversation_id": f"{n}"},
    ),
    (
        "D40",
        warm,
        None,
        "Structured output is drawn at a temperature of 0.9",
        lambda n: {**warm(n), "request_temperature": 0.0},
    ),
    ("D44", refused, CALL_USD * 10, "Refusals rose from 0.0 % to 50.0 %", lambda n: refused(n, 10)),
    ("D27", wordy, instructions_usd(), "tokens of instructions for", lambda n: wordy(n, 9_000)),
    ("D34", odd, None, "40 calls report token counts that do not fit together", lambda _: {}),
    ("D43", documents, None, "The system message is another in 100.0 %", lambda n: documents(n, in_system=False)),
    ("D20", held_back, None, "Streams arrive all at once, after 3.9 s", lambda n: held_back(n, 0.4)),
    ("D45", left, CALL_USD * 10, "25.0 % of the replies were not read", lambda _: {"request_stream": True}),
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
    assert (found["detector"], found["service"]) == (name, "shop")
    assert found["call_site"] in ("shop/answers.py:99", "")
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


def test_a_trace_that_does_not_stop(ledger: Any, look: Any) -> None:
    usual = [
        told(3600 + number, f"u{number}", trace_id=(number // 3 + 1).to_bytes(16, "big"), **USAGE)
        for number in range(360)
    ]
    write(ledger, usual)
    assert look(BY_ID["D25"]) == []
    write(ledger, [told(1800 + number, f"r{number}", trace_id=b"r" * 16, **USAGE) for number in range(200)])
    (found,) = look(BY_ID["D25"])
    assert found["title"] == "200 calls in one trace, where 99 of 100 have at most 3"
    assert found["money_usd"] == CALL_USD * 197
    assert found["trace_ids"] == [(b"r" * 16).hex()]


def test_bursts_that_nobody_waits_for(ledger: Any, look: Any) -> None:
    def spans(seed: str, **more: Any) -> list[Any]:
        return [told(3600 + (n // 60) * DAY_S + n % 60, f"{seed} {n}", **(USAGE | more)) for n in range(120)]

    write(
        ledger,
        [*spans("child", code_line=1, parent_span_id=b"p" * 8), *spans("cheap", code_line=2, service_tier="flex")],
    )
    assert look(BY_ID["D28"]) == []
    write(ledger, spans("burst", code_line=99))
    (found,) = look(BY_ID["D28"])
    assert (found["call_site"], found["money_usd"]) == ("shop/answers.py:99", CALL_USD / 2 * 120)
    assert found["title"].startswith("2 bursts of calls")


def test_a_limit_nobody_needs(ledger: Any, look: Any) -> None:
    def spans(seed: str, limit: int, line: int) -> list[Any]:
        more = {"request_max_tokens": limit, "code_line": line}
        return [told(3600 + (n // 60) * DAY_S + n % 60, f"{seed} {n}", **(USAGE | more)) for n in range(120)]

    write(ledger, spans("fits", 1000, 1))
    assert look(BY_ID["D30b"]) == []
    write(ledger, spans("wide", 16_000, 99))
    (found,) = look(BY_ID["D30b"])
    assert found["title"] == "max_tokens is 16,000; 999 of 1,000 replies need 100"
    assert found["money_usd"] is None


def served(number: int, *, failed: bool) -> list[Any]:
    """A request of a user's with one call inside."""
    trace = (number + 1).to_bytes(16, "big")
    start = time.time_ns() - (3600 + number * 3600) * 10**9
    ids = {"trace_id": trace, "span_id": (number + 1).to_bytes(8, "big"), "parent_span_id": b""}
    server = make_span({}, kind=2, status=2 if failed else 0, start_ns=start, end_ns=start + 10**9, **ids)
    return [server]


def test_long_replies_that_users_wait_for(ledger: Any, look: Any) -> None:
    calls = traffic(
        "slow", lambda n: {"usage_output_tokens": 900, "duration_s": 19.0, "trace_id": (n + 1).to_bytes(16, "big")}
    )
    write(ledger, calls)
    assert look(BY_ID["D19"]) == []
    ledger.write([], [each for number in range(CALLS) for each in served(number, failed=False)])
    (found,) = look(BY_ID["D19"])
    assert found["title"] == "Users wait 19 s for a reply that could be read as it is written"


def test_errors_that_reach_the_user(ledger: Any, look: Any) -> None:
    def failing(n: int) -> dict[str, Any]:
        return {
            "trace_id": (n + 1).to_bytes(16, "big"),
            "outcome": "error" if n % 4 == 0 else "ok",
            "error_type": "X" * (n % 4 == 0),
        }

    write(ledger, traffic("errors", failing))
    ledger.write([], [each for number in range(1, CALLS, 4) for each in served(number, failed=True)])
    assert look(BY_ID["D41"]) == []
    ledger.write([], [each for number in range(0, CALLS, 4) for each in served(number, failed=True)])
    (found,) = look(BY_ID["D41"])
    assert found["title"] == "100.0 % of the failed calls reach the user as an error"


def test_a_prompt_that_changed_and_costs_more(ledger: Any, look: Any) -> None:
    def drifting(n: int, *, later: int) -> dict[str, Any]:
        new = n < 20
        prompt = prompted("gpt-4.1", "New rules" if new else "Rules", [{"role": "user", "content": str(n)}])
        return {"usage_input_tokens": (later if new else 1000) + n % 3, "more": prompt}

    write(ledger, traffic("same", lambda n: drifting(n, later=1010)))
    assert look(BY_ID["D42"]) == []
    write(ledger, traffic("dear", lambda n: {"code_line": 99, **drifting(n, later=2000)}))
    (found,) = look(BY_ID["D42"])
    assert "+71% a call" in found["title"]


def test_calls_into_a_provider_that_is_down(ledger: Any, look: Any) -> None:
    def spans(per_minute: Any) -> list[Any]:
        since_minute = time.time() % 60 - 30  # none of a minute's calls falls into another
        return [
            told(
                7200 + since_minute - minute * 60 + number,
                f"{minute} {number}",
                outcome="error" if 20 <= minute < 30 else "ok",
                **USAGE,
            )
            for minute in range(60)
            for number in range(per_minute(minute))
        ]

    write(ledger, spans(lambda minute: 1 if 21 <= minute < 30 else 10))
    assert look(BY_ID["D17"]) == []
    ledger.clear()
    write(ledger, spans(lambda _: 10))
    (found,) = look(BY_ID["D17"])
    assert found["title"].startswith("100 calls into a provider that was down for 1")


def test_equal_requests_with_other_replies_are_counted_where_their_length_tells(ledger: Any, look: Any) -> None:
    """Of each four equal requests one reply is longer: 10 of 40 differ at least."""

    def drawn(number: int) -> dict[str, Any]:
        return {**warm(number), **asked(number // 4), "output_chars": 10 + (number % 4 == 0)}

    write(ledger, traffic("drawn", drawn))
    (row,) = look(BY_ID["D40"])
    assert f"Of {CALLS} replies to requests that were made more than once, 25.0 % or more differed" in row["why"]
    ledger.clear()
    write(ledger, traffic("once", lambda number: {**drawn(number), **asked(number)}))
    (row,) = look(BY_ID["D40"])
    assert "more than once" not in row["why"]
