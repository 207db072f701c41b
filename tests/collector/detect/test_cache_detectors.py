"""The other detectors of the prompt cache: known dollars, and silence on the clean twin."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.traffic import DAY_S, prompted, told, write

from spanledger import semconv
from spanledger_collector.detect import DETECTORS

BY_ID = {each.id: each for each in DETECTORS}
POLICY = "Refunds are made to the card that paid, within five working days, never in cash. " * 200
CALLS = 40
TOKENS = 5000
GPT = Decimal("2e-6")  # dollars per uncached token of gpt-4.1; read at a quarter of it
SONNET = Decimal("3e-6")  # of claude-sonnet-4-6; written at 1.25, read at 0.1 of it
CLAUDE = {"provider_name": "anthropic", "request_model": "claude-sonnet-4-6"}
SPARED = Decimal("0.75")  # what reading spares of gpt-4.1's price
BLOCK = 512  # characters
NAMES = [f"tool_{number}" for number in range(14)]
CHARS = len(POLICY) + 8  # with the role in front


def traffic(of: Any, gap_s: float = 60.0) -> list[Any]:
    """Twenty calls on each of two days, oldest last; ``of`` says what the library told of the n-th."""
    spans = []
    for number in range(CALLS):
        ago = 3600 + (number // 20) * DAY_S + (number % 20) * gap_s
        spans.append(
            told(ago, f"call {number}", **({"usage_input_tokens": TOKENS, "usage_output_tokens": 10} | of(number)))
        )
    return spans


def tool(name: str, *, turned: bool = False) -> dict[str, Any]:
    parts = [("name", name), ("description", f"Does {name}. " * 60)]
    return {"type": "function", "function": dict(reversed(parts) if turned else parts)}


def tools(number: int, *, shuffled: bool, turned: bool = False) -> dict[str, Any]:
    names = NAMES[number % 5 :] + NAMES[: number % 5] if shuffled else NAMES
    made = [tool(name, turned=turned and number % 2 == 1) for name in names]
    return {"more": prompted("gpt-4.1", None, [{"role": "user", "content": f"Question {chr(65 + number)}"}], made)}


def claude(number: int, *, marked: bool, **more: Any) -> dict[str, Any]:
    part = {"type": "text", "text": POLICY} | ({"cache_control": {"type": "ephemeral"}} if marked else {})
    prompt = prompted("claude-sonnet-4-6", [part], [{"role": "user", "content": f"Question {chr(65 + number)}"}])
    return {**CLAUDE, "more": prompt | more.pop("more", {}), **more}


def gpt(number: int, read: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": POLICY}, {"role": "user", "content": f"Question {chr(65 + number)}"}]
    return {"usage_cache_read": read, "more": prompted("gpt-4.1", None, messages)}


def written(number: int, write_tokens: int, read: int) -> dict[str, Any]:
    return claude(
        number, marked=True, usage_cache_write=write_tokens, usage_cache_write_5m=write_tokens, usage_cache_read=read
    )


def released(number: int, *, before: int, after: int) -> dict[str, Any]:
    """The first day, the later half of the numbers, ran the release before."""
    new = number < 20
    return {**gpt(number, after if new else before), "resource": {"service.version": "v2" if new else "v1"}}


def stepped(tokens: float) -> int:
    """As OpenAI reads: 1,024, then in steps of 128."""
    return 1024 + int((tokens - 1024) // 128) * 128


def before_the_message() -> int:
    """Tokens of the tools, which could have been read."""
    front = sum(len(json.dumps(tool(name), separators=(",", ":"))) for name in NAMES)
    return stepped(front * TOKENS / (front + len("\nuser\nQuestion A")))


def test_the_same_tools_in_other_orders(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: tools(n, shuffled=True)))
    (found,) = look(BY_ID["D2"], BY_ID["D3"])
    assert found["detector"] == "D2"
    assert found["title"] == "The same tools are sent in 5 orders"
    tokens = before_the_message()
    # The first call of a day had nothing before it; from the sixth on every order is still held from the last time.
    assert found["money_usd"] == tokens * GPT * Decimal("0.75") * 8


def test_one_order_of_tools_is_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: tools(n, shuffled=False)))
    assert look(BY_ID["D2"], BY_ID["D3"]) == []


def test_the_same_tools_with_their_keys_turned(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: tools(n, shuffled=False, turned=True), gap_s=400.0))
    (found,) = look(BY_ID["D2"], BY_ID["D3"])
    assert (found["detector"], found["title"]) == ("D3", "The same tools are written in 2 ways")
    # Each spelling comes again after 800 s, when it is forgotten: all but the first call of a day could have read.
    assert found["money_usd"] == before_the_message() * GPT * SPARED * 38


def test_a_prefix_nobody_marked(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: claude(n, marked=False)))
    (found,) = look(BY_ID["D4"])
    chars = CHARS // 512 * 512
    tokens = int(chars * TOKENS / (CHARS + len("\nuser\nQuestion A")))
    reads, writes = CALLS - 2, 2
    assert found["money_usd"] == tokens * SONNET * (reads * Decimal("0.9") - writes * Decimal("0.25"))


def test_a_marked_prefix_or_rare_calls_are_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: written(n, 0, 4000)))
    assert look(BY_ID["D4"]) == []
    ledger.clear()
    write(ledger, traffic(lambda n: claude(n, marked=False), gap_s=900.0))
    assert look(BY_ID["D4"]) == []


def test_writes_that_nobody_reads(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: written(n, 4000, 400 if n % 4 == 0 else 0)))
    (found,) = look(BY_ID["D5"])
    premium = Decimal("0.25") * SONNET * 4000 * CALLS
    spared = Decimal("0.9") * SONNET * 400 * 10
    assert found["money_usd"] == premium - spared
    assert found["title"] == "160,000 tokens were written to the cache, 4,000 read from it"


def test_writes_that_are_read_are_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: written(n, 4000 if n % 20 == 19 else 0, 0 if n % 20 == 19 else 4000)))
    assert look(BY_ID["D5"]) == []


def test_unchanged_prefixes_the_provider_missed(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: gpt(n, 0 if n % 4 == 0 else 4864)))
    (found,) = look(BY_ID["D10"])
    assert found["title"] == "The provider missed 26.3 % of unchanged prefixes"
    assert found["money_usd"] is None


def test_prefixes_always_read_are_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: gpt(n, 4864)))
    assert look(BY_ID["D10"]) == []


def test_a_release_that_lost_the_cache(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: released(n, before=4000, after=0)))
    (found,) = look(BY_ID["D11"])
    assert found["title"] == "Release v2 reads 0% of its input from the cache, 80% before"
    assert found["money_usd"] == 20 * 4000 * GPT * Decimal("0.75")


def test_a_release_that_kept_it_is_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: released(n, before=4000, after=3900)))
    assert look(BY_ID["D11"]) == []


def turn(number: int, *, dropped: bool) -> dict[str, Any]:
    """One conversation of twenty turns a day, lower numbers later; its oldest turn dropped, or not."""
    turns = 20 - number % 20
    first = max(0, turns - 6) if dropped else 0
    history = [
        {"role": "user", "content": f"Turn {each:02}: " + "tell me more about it, please. " * 60}
        for each in range(first, turns)
    ]
    prompt = prompted("gpt-4.1", POLICY, history)
    return {"conversation_id": f"c{number // 20}", "usage_cache_read": 3200, "more": prompt}


def short(number: int, tokens: int) -> dict[str, Any]:
    """A prompt of so many tokens that all calls begin with, and a question of one block."""
    text = POLICY[: tokens * 4]
    messages = [{"role": "system", "content": text}, {"role": "user", "content": chr(65 + number) * 504}]
    return {"usage_input_tokens": tokens + 128, "more": prompted("gpt-4.1", None, messages)}


def test_a_prefix_written_again_within_the_hour(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: written(n, 4000, 0), gap_s=600.0))
    (found,) = look(BY_ID["D6"])
    late, first = CALLS - 2, 2
    assert found["money_usd"] == 4000 * SONNET * (late * Decimal("1.15") - first * Decimal("0.75"))
    assert found["title"] == "38 prefixes were written again within the hour"


def test_prefixes_that_come_again_after_hours_are_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: written(n, 4000, 0), gap_s=4000.0))
    assert look(BY_ID["D6"]) == []


def blocks(number: int, count: int) -> dict[str, Any]:
    """A conversation of so many content blocks, marked at its beginning."""
    part = {"type": "text", "text": POLICY, "cache_control": {"type": "ephemeral"}}
    parts = [{"type": "text", "text": f"Block {each}"} for each in range(count)] + [
        {"type": "text", "text": chr(65 + number)}
    ]
    return {**CLAUDE, "more": prompted("claude-sonnet-4-6", [part], [{"role": "user", "content": parts}])}


def test_marks_too_far_back_to_be_found(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: blocks(n, 10)))
    assert look(BY_ID["D9"]) == []
    ledger.clear()
    write(ledger, traffic(lambda n: blocks(n, 30)))
    (found,) = look(BY_ID["D9"])
    assert found["title"] == "Up to 31 content blocks hide what is cached"
    # The prompts are the same up to their last character.
    whole = sum(blocks(0, 30)["more"][semconv.PREFIX_SECTION_CHARS])
    tokens = int((whole - 1) // BLOCK * BLOCK * TOKENS / whole)
    assert found["money_usd"] == tokens * SONNET * Decimal("0.9") * 38


def test_a_prefix_just_too_short_to_be_cached(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: short(n, 900)))
    (found,) = look(BY_ID["D7"])
    assert found["title"].endswith("tokens are the same in every call; 1,024 would be cached")
    common = len("\nsystem") + 1 + 900 * 4
    whole = common + len("\nuser\n") + 504
    tokens = int(common // BLOCK * BLOCK * 1028 / whole)
    # What fills it up to 1,024 is read with it, at a quarter of the price.
    assert found["money_usd"] == (tokens - 1024 // 4) * GPT * 38


def test_a_prefix_far_too_short_is_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: short(n, 400)))
    assert look(BY_ID["D7"]) == []


def test_a_history_that_loses_its_oldest_turn_each_time(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: turn(n, dropped=True)))
    (found,) = look(BY_ID["D8"])
    assert found["title"] == "28 of 38 turns rewrite their conversation's history"
    # From the seventh turn on each prompt is as long as the one before it and has six turns; 3,200 tokens were read.
    whole = sum(turn(0, dropped=True)["more"][semconv.PREFIX_SECTION_CHARS])
    reachable = stepped(whole // BLOCK * BLOCK * TOKENS / whole)
    assert found["money_usd"] == (reachable - 3200) * GPT * SPARED * 28


def test_a_history_that_only_grows_is_silent(ledger: Any, look: Any) -> None:
    write(ledger, traffic(lambda n: turn(n, dropped=False)))
    assert look(BY_ID["D8"]) == []


@pytest.mark.parametrize("name", ["D1", "D2", "D3", "D4", "D10"])
def test_a_model_without_known_rules_is_silent(ledger: Any, look: Any, name: str) -> None:
    write(ledger, traffic(lambda n: {**tools(n, shuffled=True), "provider_name": "acme"}))
    assert look(BY_ID[name]) == []
