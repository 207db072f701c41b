"""What is billed beside tokens, or instead of them, reaches the ledger as it is billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.normalise.tokens import usage_of
from spanledger_collector.pricing import Book

TOKENS = {"gen_ai.usage.input_tokens": 4710, "gen_ai.usage.output_tokens": 602}


def read(attributes: dict[str, Any]) -> tuple[Usage | None, str]:
    return usage_of({f"spanledger.{k}" if k.startswith("billed") else k: v for k, v in attributes.items()}, "chat")


def test_billed_units_stand_for_the_tokens_that_were_counted():
    usage, note = read(TOKENS | {"billed.input_tokens": 4000, "billed.output_tokens": 600})
    assert (usage, note) == (Usage(uncached_input=4000, output=600), "")
    cost = Book().price(make_call(usage, provider="cohere", model="command-r-plus-08-2024"))
    assert cost.total == Decimal("0.016")


def test_a_rerank_is_billed_by_search_units_alone():
    usage, _ = read({"billed.search_units": 3})
    assert usage == Usage(other=(("search_units", 3),))
    assert Book().price(make_call(usage, provider="cohere", model="rerank-v3.5")).total == Decimal("0.006")


def test_images_are_taken_out_of_the_tokens_they_are_part_of():
    usage, _ = read(TOKENS | {"billed.image_input": 4000, "billed.image_output": 600})
    assert usage == Usage(uncached_input=710, output=2, other=(("image_input", 4000), ("image_output", 600)))
    assert usage.input_tokens == 4710


def test_searches_stand_beside_the_tokens():
    usage, _ = read(TOKENS | {"billed.web_searches": 3})
    cost = Book().price(make_call(usage, provider="anthropic", model="claude-sonnet-4-5"))
    assert (cost.other, cost.total) == (Decimal("0.03"), Decimal("0.05316"))


def test_seconds_of_audio_are_rounded_to_whole_ones():
    usage, _ = read({"billed.audio_seconds": 26.7})
    assert Book().price(make_call(usage, provider="openai", model="whisper-1")).total == Decimal("0.0027")


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"billed.image_output": 603}, "image_output exceeds the tokens it is part of"),
        ({"billed.web_searches": "three"}, "web_searches is no count"),
    ],
)
def test_what_cannot_be_is_noted(attributes, fault):
    assert fault in read(TOKENS | attributes)[1]


def test_without_any_the_usage_is_as_it_was():
    assert read(TOKENS)[0] == Usage(uncached_input=4710, output=602)
