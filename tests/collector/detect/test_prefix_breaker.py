"""D1, with the library's own fingerprints: the known dollars, and silence where nothing is broken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.traffic import DAY_S, prompted, told, write

from spanledger_collector.detect.prefix_breaker import DETECTOR

POLICY = "Refunds are made to the card that paid, within five working days, never in cash. " * 120
TOKENS = 2500  # of the whole prompt; four characters each
CALLS = 40


def stamped(number: int) -> list[Any]:
    """The time of day first: what most prompts that lose their cache look like."""
    now = f"2026-11-{number % 28 + 1:02}T{number % 24:02}:15:{number % 60:02}"
    return [{"role": "system", "content": f"You are a support assistant. It is {now}.\n{POLICY}"}]


def last(number: int) -> list[Any]:
    return [
        {"role": "system", "content": f"You are a support assistant.\n{POLICY}"},
        {"role": "user", "content": f"Now: 2026-11-{number % 28 + 1:02}. Where is order {number}?"},
    ]


def traffic(messages: Any, cached: int = 0, gap_s: float = 60.0) -> list[Any]:
    """Twenty calls on each of two days, a minute apart."""
    spans = []
    for number in range(CALLS):
        ago = 3600 + (number // 20) * DAY_S + (number % 20) * gap_s
        prompt = prompted("gpt-4.1", None, messages(number))
        spans.append(
            told(
                ago,
                f"call {number}",
                usage_input_tokens=TOKENS,
                usage_cache_read=cached,
                usage_output_tokens=10,
                more=prompt,
            )
        )
    return spans


def test_a_time_in_front_costs_the_discount_to_the_last_cent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(stamped))
    (found,) = look(DETECTOR)
    assert found["title"] == "A date-time at token 11 of the system message keeps gpt-4.1 from reading its cache"
    assert (found["service"], found["call_site"]) == ("shop", "shop/answers.py:12")
    # Two calls had nothing before them. The others shared all whole blocks but for the time: of the provider's steps of
    # 128 tokens after the first 1,024 that is what fits into the masked text; $2.00 a million uncached, $0.50 cached.
    chars = len(POLICY) + len("\nsystem\nYou are a support assistant. It is <date-time>.\n")
    blocks = chars // 512 * 512
    exact = len(POLICY) + len("\nsystem\nYou are a support assistant. It is 2026-11-01T00:15:00.\n")
    tokens = int(1024 + (blocks * TOKENS / exact - 1024) // 128 * 128)
    assert found["money_usd"] == Decimal(CALLS - 2) * tokens * Decimal("1.50") / 1_000_000
    assert (found["money_grade"], found["confidence"], found["calls"], found["days"]) == ("modelled", "medium", 40, 2)
    assert "38 of 40 calls began with the same" in found["why"]


def test_what_changes_at_the_end_breaks_nothing(ledger: Any, look: Any) -> None:
    write(ledger, traffic(last))
    assert look(DETECTOR) == []


def test_what_was_read_from_the_cache_is_not_lost(ledger: Any, look: Any) -> None:
    write(ledger, traffic(stamped, cached=2432))
    assert look(DETECTOR) == []


def test_calls_too_rare_for_the_cache_lose_nothing(ledger: Any, look: Any) -> None:
    write(ledger, traffic(stamped, gap_s=1200.0))
    assert look(DETECTOR) == []


def test_different_prompts_are_no_broken_prefix(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda number: [{"role": "user", "content": f"{chr(65 + number)} " * 5000}]))
    assert look(DETECTOR) == []
