"""What the book says about a call: its grade, its price line, and its reason where it knows none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

THOUSAND = Usage(uncached_input=1000, output=100)
GPT_41 = Decimal("0.0028")  # 1000 x 2/M + 100 x 8/M


@pytest.fixture(scope="module")
def book() -> Book:
    return Book()


def test_a_measured_call_names_its_price_line(book: Book):
    cost = book.price(make_call(THOUSAND))
    assert (cost.total, cost.grade, cost.reason) == (GPT_41, "measured", "")
    assert cost.price == "openai/gpt-4.1@undated"


def test_a_dated_price_line_names_its_day(book: Book):
    assert book.price(make_call(THOUSAND, model="o3")).price == "openai/o3@2025-06-10"


def test_a_price_line_names_its_tier_once(book: Book):
    cost = book.price(make_call(THOUSAND, provider="azure", service_tier="batch"))
    assert (cost.total, cost.price) == (GPT_41 / 2, "azure/gpt-4.1@undated+batch")


def test_the_parts_sum_to_the_total(book: Book):
    usage = Usage(10, 20, 30, 40, 0, 50, 0, 5)
    cost = book.price(make_call(usage, provider="anthropic", model="claude-sonnet-4-5"))
    assert cost.total == cost.input + cost.cache_read + cost.cache_write + cost.output + cost.other
    assert cost.cache_write == Decimal("0.0003525")  # 30 x 3.75/M + 40 x 6/M


def test_a_call_without_usage_is_unknown(book: Book):
    cost = book.price(make_call(None))
    assert (cost.total, cost.grade) == (None, "unknown")
    assert "no token usage" in cost.reason


def test_a_failed_call_says_how_it_ended(book: Book):
    assert "ended as 'error'" in book.price(make_call(None, outcome="error")).reason


def test_a_stream_cut_short_is_not_measured(book: Book):
    cost = book.price(make_call(Usage(uncached_input=1000, output=100, grade="partial")))
    assert (cost.total, cost.grade) == (GPT_41, "modelled")
    assert "cut short" in cost.reason


def test_modelled_tokens_give_a_modelled_cost(book: Book):
    cost = book.price(make_call(Usage(uncached_input=1000, output=100, grade="modelled")))
    assert (cost.total, cost.grade) == (GPT_41, "modelled")


def test_contradicting_counts_are_not_billed(book: Book):
    cost = book.price(make_call(THOUSAND, usage_note="cached input tokens exceed all input tokens"))
    assert (cost.total, cost.grade) == (None, "unknown")
    assert "cached input tokens exceed" in cost.reason


def test_zero_tokens_at_a_known_price_cost_zero(book: Book):
    cost = book.price(make_call(Usage()))
    assert (cost.total, cost.grade) == (0, "measured")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"model": "gpt-99"}, "no price for model 'gpt-99' at openai"),
        ({"model": "gpt-4.1-2099-01-01"}, "('gpt-4.1' has one, this snapshot does not)"),
        ({"model": "", "request_model": ""}, "names no model"),
        ({"provider": "acme", "server_address": "llm.acme.test"}, "no price list for provider 'acme'"),
        ({"provider": ""}, "names no provider"),
        ({"service_tier": "scale"}, "no price for service tier 'scale'"),
    ],
)
def test_an_unknown_price_says_what_is_missing_and_what_to_do(book: Book, fields: dict[str, Any], reason: str):
    cost = book.price(make_call(THOUSAND, **fields))
    assert (cost.total, cost.grade) == (None, "unknown")
    assert reason in cost.reason


@pytest.mark.parametrize(
    ("host", "price"),
    [
        ("api.openai.com", "openai/gpt-4.1@undated"),
        ("acme.openai.azure.com", "azure/gpt-4.1@undated"),
        ("127.0.0.1", "openai/gpt-4.1@undated"),
        ("openai.azure.com.evil.test", "openai/gpt-4.1@undated"),
    ],
)
def test_the_host_decides_whose_prices_hold(book: Book, host: str, price: str):
    assert book.price(make_call(THOUSAND, server_address=host)).price == price


def test_an_openai_client_that_speaks_to_deepseek_is_billed_by_deepseek(book: Book):
    call = make_call(THOUSAND, model="deepseek-flash", server_address="api.deepseek.com")
    assert book.price(call).price.startswith("deepseek/")


def test_the_anthropic_sdk_on_bedrock_is_billed_by_aws(book: Book):
    call = make_call(THOUSAND, provider="anthropic", model="us.anthropic.claude-sonnet-4-20250514-v1:0")
    assert book.price(call).price.startswith("aws/")


def test_a_new_snapshot_of_the_alias_asked_for_is_priced_as_the_alias(book: Book):
    call = make_call(THOUSAND, request_model="gpt-4.1", model="gpt-4.1-2099-01-01")
    assert book.price(call).total == GPT_41


def test_kept_rates_change_with_the_day(book: Book):
    before = make_call(THOUSAND, model="o3", at="2025-06-09T23:59:59Z")
    after = make_call(THOUSAND, model="o3", at="2025-06-10T00:00:00Z")
    assert [book.price(call).total for call in (before, after, before)] == [
        Decimal("0.014"),
        Decimal("0.0028"),
        Decimal("0.014"),
    ]


def test_kept_rates_change_with_the_hour(book: Book):
    at = ["2026-11-02T00:59:59Z", "2026-11-02T01:00:00Z", "2026-11-02T03:59:59Z", "2026-11-02T04:00:00Z"]
    calls = [make_call(THOUSAND, provider="deepseek", model="deepseek-flash", at=one) for one in at]
    night, peak = Decimal("0.00021"), Decimal("0.00042")
    assert [book.price(call).total for call in calls] == [night, peak, peak, night]


def test_a_tier_never_falls_back_to_the_standard_price(book: Book):
    cost = book.price(make_call(THOUSAND, service_tier="flex"))  # gpt-4.1 is not sold as flex
    assert cost.total is None


def test_an_explanation_shows_line_source_and_arithmetic(book: Book):
    text = book.explain(make_call(Usage(uncached_input=1856, cache_read=6144, output=512), model="gpt-4o"))
    assert "price openai/gpt-4o@undated from genai-prices" in text
    assert (
        "uncached input 1856 x $2.5/M = $0.00464 ; cached input 6144 x $1.25/M = $0.00768 ; "
        "output 512 x $10/M = $0.00512 ; total = $0.01744"
    ) in text


def test_an_explanation_notes_only_what_priced_something(book: Book):
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    searched = Usage(uncached_input=1000, output=100, other=(("web_searches", 1),))
    assert "note:" not in book.explain(make_call(THOUSAND, **claude))
    assert "note: prices.toml" in book.explain(make_call(searched, **claude))


def test_an_explanation_of_an_unknown_cost_is_its_reason(book: Book):
    assert book.explain(make_call(THOUSAND, model="gpt-99")).startswith("cost unknown: no price for model")


def test_the_book_describes_itself(book: Book):
    about = book.describe()
    assert about.version.startswith("genai-prices ")
    assert about.models > 1000
    assert about.age_days is not None
    assert about.overrides == 0
