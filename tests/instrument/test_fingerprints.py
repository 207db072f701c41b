"""Prompts compared by hashes: where two of them part, what is there, and none of it readable."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT, MESSAGE, RESPONSE

import spanledger
from spanledger import _later, _prefix, semconv
from spanledger._later import LATER, Later

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

RULES = "Answer in words. Be kind to canaries, and to foxes.\n" * 40  # 2,080 characters
BLOCK = _prefix.BLOCK
DIGITS = 12  # of one block's hash


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", **parameters}}}


def chat(spans: Spans, clients: Clients, system: str, **more: Any) -> dict[str, Any]:
    """The attributes of one call with this system message."""
    spans.clear()
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "What colour?"}]
    clients.openai.chat.completions.create(**{"model": "gpt-4.1", "messages": messages, **more})
    return spans.one


def shared(one: str, other: str) -> int:
    """Blocks that two chains have in common from their start."""
    pairs = zip(range(0, len(one), DIGITS), range(0, len(other), DIGITS), strict=False)
    same = [one[a : a + DIGITS] == other[b : b + DIGITS] for a, b in pairs]
    return same.index(False) if False in same else len(same)


def test_a_date_that_changes_breaks_the_raw_chain_and_not_the_masked_one(clients: Clients, spans: Spans) -> None:
    first = chat(spans, clients, f"Now: 2026-11-23T10:00:01Z\n{RULES}")
    second = chat(spans, clients, f"Now: 2026-11-24T22:15:09Z\n{RULES}")
    assert shared(first[semconv.PREFIX_BLOCKS], second[semconv.PREFIX_BLOCKS]) == 0
    assert shared(first[semconv.PREFIX_MASKED_BLOCKS], second[semconv.PREFIX_MASKED_BLOCKS]) == 4
    assert first[semconv.VOLATILE_KINDS] == ("date-time",)
    assert first[semconv.VOLATILE_OFFSETS] == (len("\nsystem\nNow: "),)


def test_a_chain_shows_how_far_two_prompts_are_equal(clients: Clients, spans: Spans) -> None:
    first = chat(spans, clients, RULES + "the first ending")
    second = chat(spans, clients, RULES + "another")
    assert shared(first[semconv.PREFIX_BLOCKS], second[semconv.PREFIX_BLOCKS]) == 4
    assert semconv.PREFIX_MASKED_BLOCKS not in first  # nothing volatile: the raw chain is the masked one


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("at 2026-11-23 10:11", "date-time"),
        ("on Nov 3, 2026", "date-time"),
        ("on 3 November 2026", "date-time"),
        ("it is 9:30 am", "date-time"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "uuid"),
        ("commit 0a1b2c3d4e5f", "hex"),
        ("order 4711", "number"),
        ("a total of 1,234.50 dollars", "number"),
    ],
)
def test_volatile_text_is_told_by_its_kind(text: str, kind: str) -> None:
    masked, kinds, offsets = _prefix.mask(f"Hello, {text} and so on")
    assert (kinds, len(offsets)) == ([kind], 1)
    assert masked.count("<") == 1


@pytest.mark.parametrize("text", ["a facade of beaded words", "may I ask", "no volatile text here"])
def test_words_are_not_volatile(text: str) -> None:
    assert _prefix.mask(text) == (text, [], [])


def test_masking_in_slices_cuts_no_date_in_two() -> None:
    masked, kinds, _ = _prefix.mask("It is 2026-11-23T10:00:00Z. " * 500)
    assert masked == "It is <date-time>. " * 500
    assert set(kinds) == {"date-time"}


def test_tools_in_another_order_are_the_same_set(clients: Clients, spans: Spans) -> None:
    one, two = tool("search"), tool("order")
    first = chat(spans, clients, "Hi", tools=[one, two])
    second = chat(spans, clients, "Hi", tools=[two, one])
    assert first[semconv.FINGERPRINT_TOOLS] != second[semconv.FINGERPRINT_TOOLS]
    assert first[semconv.FINGERPRINT_TOOLS_SORTED] == second[semconv.FINGERPRINT_TOOLS_SORTED]


def test_keys_in_another_order_are_the_same_json(clients: Clients, spans: Spans) -> None:
    first = chat(spans, clients, "Hi", tools=[tool("search", a=1, b=2)], response_format={"type": "x", "y": 1})
    second = chat(spans, clients, "Hi", tools=[tool("search", b=2, a=1)], response_format={"y": 1, "type": "x"})
    assert first[semconv.FINGERPRINT_TOOLS] != second[semconv.FINGERPRINT_TOOLS]
    assert first[semconv.FINGERPRINT_TOOLS_CANONICAL] == second[semconv.FINGERPRINT_TOOLS_CANONICAL]
    assert first[semconv.FINGERPRINT_SCHEMA] != second[semconv.FINGERPRINT_SCHEMA]
    assert first[semconv.FINGERPRINT_SCHEMA_CANONICAL] == second[semconv.FINGERPRINT_SCHEMA_CANONICAL]


def test_sections_stand_in_the_order_of_the_providers_cache(clients: Clients, spans: Spans) -> None:
    told = chat(spans, clients, "Be kind", tools=[tool("search")])
    tools, system, messages = told[semconv.PREFIX_SECTION_CHARS]
    assert (system, messages) == (len("\nsystem\nBe kind"), len("\nuser\nWhat colour?"))
    assert tools > 50
    assert told[semconv.PROMPT_ROLES] == ("system", "user")
    assert told[semconv.PROMPT_ROLE_CHARS] == (len("Be kind"), len("What colour?"))
    assert told[semconv.PROMPT_MESSAGES] == 1


def test_anthropic_breakpoints_are_placed(clients: Clients, spans: Spans) -> None:
    system = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
    clients.anthropic.messages.create(**MESSAGE, system=system)
    told = spans.one
    assert told[semconv.PREFIX_BREAKPOINTS] == (len("\nsystem\n") + len(RULES),)
    assert told[semconv.PREFIX_SECTION_CHARS][1] == len("\nsystem\n") + len(RULES)


def test_equal_requests_have_equal_hashes_and_a_setting_makes_them_differ(clients: Clients, spans: Spans) -> None:
    first, again, warmer = (chat(spans, clients, "Hi", temperature=t) for t in (0, 0, 1))
    assert first[semconv.FINGERPRINT_REQUEST] == again[semconv.FINGERPRINT_REQUEST]
    assert first[semconv.FINGERPRINT_REQUEST] != warmer[semconv.FINGERPRINT_REQUEST]
    assert first[semconv.FINGERPRINT_MESSAGES] == warmer[semconv.FINGERPRINT_MESSAGES]


def test_another_key_gives_other_hashes(clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    first = chat(spans, clients, RULES)
    monkeypatch.setenv("SPANLEDGER_HASH_KEY", "another")
    spanledger.instrument(tracer_provider=spans.provider)
    second = chat(spans, clients, RULES)
    assert first[semconv.PREFIX_BLOCKS] != second[semconv.PREFIX_BLOCKS]
    assert first[semconv.FINGERPRINT_SYSTEM] != second[semconv.FINGERPRINT_SYSTEM]


def test_what_the_caller_changes_after_the_call_is_not_hashed(clients: Clients, spans: Spans) -> None:
    messages = [{"role": "user", "content": "What colour?"}]
    gate = threading.Event()
    LATER.hand(gate.wait)  # the hashing comes after the change
    clients.openai.chat.completions.create(model="gpt-4.1", messages=messages)
    messages[0]["content"] = "Something else"
    messages.clear()
    gate.set()
    changed = spans.one
    spans.clear()
    clients.openai.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "What colour?"}])
    assert changed[semconv.FINGERPRINT_REQUEST] == spans.one[semconv.FINGERPRINT_REQUEST]


def test_a_reply_put_back_as_a_message_is_hashed_too(clients: Clients, spans: Spans) -> None:
    reply = clients.openai.chat.completions.create(**CHAT)
    spans.clear()
    clients.openai.chat.completions.create(model="gpt-4.1", messages=[*CHAT["messages"], reply.choices[0].message])
    assert spans.one[semconv.PROMPT_ROLES] == ("user", "assistant")


def test_the_span_ends_when_the_call_did_however_late_its_hashes_come(clients: Clients, spans: Spans) -> None:
    gate = threading.Event()
    LATER.hand(gate.wait)
    clients.openai.responses.create(**RESPONSE)
    assert spans._exporter.get_finished_spans() == ()
    gate.set()
    told = spans.one
    span = spans.all[0]
    assert semconv.FINGERPRINT_REQUEST in told
    assert span.end_time is not None
    assert span.start_time is not None
    assert span.start_time < span.end_time


def test_a_full_hand_over_drops_the_fingerprint_and_says_so(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_later, "MOST_BYTES", 10)
    before = LATER.dropped
    told = chat(spans, clients, RULES)
    assert told[semconv.FINGERPRINT_DROPPED] is True
    assert semconv.FINGERPRINT_REQUEST not in told
    assert LATER.dropped == before + 1


def test_what_waits_is_bounded_in_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_later, "MOST_JOBS", 3)
    monkeypatch.setattr(_later, "MOST_BYTES", 100)
    later, gate = Later(), threading.Event()
    assert later.hand(gate.wait, 90)
    assert not later.hand(gate.wait, 20)
    assert [later.hand(gate.wait, 1) for _ in range(3)] == [True, True, False]
    gate.set()
    assert later.drain(10)
    assert later.hand(gate.wait, 90)


def test_an_iterator_of_the_callers_is_left_alone(clients: Clients, spans: Spans) -> None:
    messages = iter([{"role": "user", "content": "What colour?"}])
    clients.openai.chat.completions.create(model="gpt-4.1", messages=messages)  # type: ignore[arg-type]
    assert not [name for name in spans.one if name.startswith("spanledger.fingerprint")]
