"""What all detectors share: a dollar is claimed once, pennies are silent, decisions hold as long as they should."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from statistics import variance
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.traffic import DAY_S, told, write

from spanledger_collector.detect import Detectors, lifecycle
from spanledger_collector.detect.claims import settle
from spanledger_collector.detect.evidence import enough
from spanledger_collector.detect.finding import CLAIM_ORDER, Claim, Detector, Evidence, Finding, Fix, Place, Window

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime.now(timezone.utc)
WEEK = Window(NOW - timedelta(days=7), NOW)


def finding(detector: str = "X", money: str | None = "70", claims: tuple[Claim, ...] = (), **more: Any) -> Finding:
    values: dict[str, Any] = {
        "detector": detector,
        "category": "cost",
        "place": Place(service="shop"),
        "window": WEEK,
        "title": "t",
        "why": "w",
        "fix": Fix("f"),
        "verify": "v",
        "confidence": "high",
        "money_usd": None if money is None else Decimal(money),
        "money_grade": "none" if money is None else "modelled",
        "evidence": Evidence(40, 3),
        "claims": claims,
    }
    return Finding(**(values | more))


def detector(rank: str = "cache", name: str = "X", found: Any = ()) -> Detector:
    return Detector(name, timedelta(days=7), lambda *_: found, claims=rank)


def claim(call: str, usd: str, part: Any = "input") -> Claim:
    return Claim(call, part, Decimal(usd))


def test_the_first_in_the_order_has_the_dollar() -> None:
    cache = finding("D1", "3", (claim("a", "1"), claim("b", "2")))
    twice = finding("D23", "5", (claim("a", "5", "call"),))
    (_, first), (_, second) = settle([(detector("cache", "D1"), cache), (detector("duplicate", "D23"), twice)])
    assert (first.detector, first.money_usd, first.overlap_usd) == ("D23", 5, None)
    assert (second.detector, second.money_usd, second.overlap_usd) == ("D1", 2, 1)


def test_input_and_output_of_one_call_are_two_things() -> None:
    one = finding("D1", "1", (claim("a", "1", "input"),))
    two = finding("D30", "2", (claim("a", "2", "output"),))
    settled = settle([(detector("cache", "D1"), one), (detector("size", "D30"), two)])
    assert [each.overlap_usd for _, each in settled] == [None, None]


CLAIMS = st.lists(
    st.builds(
        claim, st.sampled_from("abcd"), st.sampled_from(["1", "0.5", "3"]), st.sampled_from(["input", "output", "call"])
    ),
    max_size=5,
    unique_by=lambda each: each.span_id,
)


@given(st.lists(st.tuples(st.sampled_from(CLAIM_ORDER), CLAIMS), max_size=5))
def test_no_dollar_is_claimed_twice_and_none_appears(findings: list[tuple[str, list[Claim]]]) -> None:
    pairs = []
    for number, (rank, claims) in enumerate(findings):
        money = sum((each.usd for each in claims), Decimal(0))
        pairs.append((detector(rank, f"X{number}"), finding(f"X{number}", str(money), tuple(claims))))
    settled = settle(pairs)
    whole = sum(each.money_usd or 0 for _, each in pairs)
    assert sum((each.money_usd or 0) + (each.overlap_usd or 0) for _, each in settled) == whole
    by_part: dict[tuple[str, str], int] = {}
    for _, each in settled:
        if not each.overlap_usd:
            for one in each.claims if each.money_usd else ():
                for part in ("input", "output") if one.part == "call" else (one.part,):
                    by_part[one.span_id, part] = by_part.get((one.span_id, part), 0) + 1
    assert all(count == 1 for count in by_part.values())


@pytest.mark.parametrize(
    ("found", "spent", "shown"),
    [
        (finding(), Decimal(1000), True),
        (finding(evidence=Evidence(19, 3)), Decimal(1000), False),
        (finding(evidence=Evidence(400, 1)), Decimal(1000), False),
        (finding(money="1"), Decimal(1000), False),  # $4.29 a month
        (finding(money="1"), Decimal(100), True),  # but more than 1 % of what is spent
        (finding(money="0"), Decimal(0), False),
        (finding(money=None), Decimal(1000), True),
    ],
)
def test_too_little_is_not_shown(found: Finding, spent: Decimal, *, shown: bool) -> None:
    assert enough(detector(), found, spent) is shown


@pytest.fixture
def run(ledger: Any) -> Any:
    """Evaluates what is found now, at a time."""

    def run(found: list[Finding], now: datetime) -> Detectors:
        window = Window(now - timedelta(days=7), now)
        moved = [replace(each, window=window) for each in found]
        frame = Detectors(
            run_query=ledger.run, save=ledger.store.insert, failed=pytest.fail, detectors=[detector(found=moved)]
        )
        frame.tick(now)
        return frame

    return run


def status(ledger: Any) -> str:
    return str(ledger.rows("findings", status="any")[0]["status"])


def test_a_dismissal_holds_until_it_expires(ledger: Any, run: Any) -> None:
    run([finding()], NOW).decide(finding().id, lifecycle.Decision("dismissed", "ada", "as designed"), NOW)
    run([finding()], NOW + timedelta(days=89))
    assert status(ledger) == "dismissed"
    run([finding()], NOW + timedelta(days=91))
    assert status(ledger) == "open"


def test_a_dismissal_does_not_hold_for_half_as_much_again(ledger: Any, run: Any) -> None:
    run([finding()], NOW).decide(finding().id, lifecycle.Decision("dismissed", "ada"), NOW)
    run([finding(money="104")], NOW + timedelta(days=1))
    assert status(ledger) == "dismissed"
    run([finding(money="106")], NOW + timedelta(days=2))
    assert status(ledger) == "open"


def test_what_is_found_after_its_fix_alone_is_open_again(ledger: Any, run: Any) -> None:
    run([finding()], NOW).decide(finding().id, lifecycle.Decision("fixed", "ada"), NOW)
    run([finding()], NOW + timedelta(days=6))
    assert status(ledger) == "fixed"
    run([finding()], NOW + timedelta(days=8))
    assert status(ledger) == "open"


def before_and_after(ledger: Any, tokens: Callable[[int], int]) -> None:
    """Thirty calls on each side of a fix a day ago."""
    spans = []
    for number in range(60):
        usage = {"usage_input_tokens": tokens(number), "usage_output_tokens": 10 + number % 3}
        spans.append(told((1.5 if number < 30 else 0.5) * DAY_S, f"call {number}", **usage))
    write(ledger, spans)


def test_a_fix_is_verified_by_cheaper_calls(ledger: Any, run: Any) -> None:
    fixed = NOW - timedelta(days=1)
    run([finding()], fixed).decide(finding().id, lifecycle.Decision("fixed", "ada"), fixed)
    before_and_after(ledger, lambda number: 4000 if number < 30 else 1000)
    run([], NOW)
    (row,) = ledger.rows("findings", status="any")
    assert row["status"] == "verified"
    assert row["saved_usd_per_call"] == pytest.approx(3000 * 2e-6)
    # Welch's interval, by hand: 10, 11 or 12 output tokens at $8 a million are all that varies, on both sides alike.
    spread = variance([8e-6 * (10 + number % 3) for number in range(30)])
    margin = 1.96 * math.sqrt(2 * spread / 30)
    assert row["saved_low"] == pytest.approx(3000 * 2e-6 - margin)
    assert row["saved_high"] == pytest.approx(3000 * 2e-6 + margin)


@pytest.mark.parametrize(
    ("kept", "service", "expected"), [(30, "shop", "verified"), (19, "shop", "fixed"), (30, "elsewhere", "fixed")]
)
def test_a_fix_is_verified_by_enough_calls_of_its_own_place(
    ledger: Any, run: Any, kept: int, service: str, expected: str
) -> None:
    fixed = NOW - timedelta(days=1)
    run([finding()], fixed).decide(finding().id, lifecycle.Decision("fixed", "ada"), fixed)
    for side, tokens in ((1.5, 4000), (0.5, 1000)):
        usage = {"usage_input_tokens": tokens, "usage_output_tokens": 10, "service": service}
        write(ledger, [told(side * DAY_S, f"{side} {number}", **usage) for number in range(kept)])
    run([], NOW)
    assert status(ledger) == expected


def test_a_verified_fix_keeps_what_it_saved_and_opens_when_it_comes_back(ledger: Any, run: Any) -> None:
    fixed = NOW - timedelta(days=1)
    run([finding()], fixed).decide(finding().id, lifecycle.Decision("fixed", "ada"), fixed)
    before_and_after(ledger, lambda number: 4000 if number < 30 else 1000)
    run([], NOW)
    run([], NOW + timedelta(days=1))
    (row,) = ledger.rows("findings", status="any")
    assert (row["status"], row["saved_usd_per_call"]) == ("verified", pytest.approx(3000 * 2e-6))
    run([finding()], NOW + timedelta(days=9))
    assert status(ledger) == "open"


def test_a_fix_that_changed_nothing_is_not_verified(ledger: Any, run: Any) -> None:
    fixed = NOW - timedelta(days=1)
    run([finding()], fixed).decide(finding().id, lifecycle.Decision("fixed", "ada"), fixed)
    before_and_after(ledger, lambda number: 4000 + number % 7)
    run([], NOW)
    assert status(ledger) == "fixed"


def test_a_decision_nobody_stands_for_is_refused(run: Any) -> None:
    with pytest.raises(lifecycle.BadDecision, match="use one of open, accepted, fixed, dismissed"):
        lifecycle.Decision("verified", "ada")
    with pytest.raises(lifecycle.BadDecision, match="say who decides"):
        lifecycle.Decision("fixed", " ")
    with pytest.raises(LookupError, match="no finding has the id 'zzz'"):
        run([], NOW).decide("zzz", lifecycle.Decision("fixed", "ada"), NOW)


def test_a_query_that_fails_is_asked_once_for_all_detectors_and_again_the_next_time() -> None:
    asked, failed = [], []

    def run_query(name: str, params: Any) -> Any:
        asked.append(name)
        if name == "call_facts":
            raise RuntimeError("it takes too long")
        return pa.table({})

    def find(ask: Any, window: Window) -> Any:
        return ask("call_facts")

    same = [Detector(name, timedelta(days=7), find, claims="cache") for name in ("D1", "D2", "D3")]
    detectors = Detectors(run_query=run_query, save=lambda *_: None, failed=failed.append, detectors=same)
    detectors.tick(NOW)
    assert (asked.count("call_facts"), failed) == (1, ["D1", "D2", "D3"])
    detectors.tick(NOW)
    assert asked.count("call_facts") == 2
