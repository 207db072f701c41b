"""A provider's export beside the ledger: what differs, and why most likely."""

from __future__ import annotations

import itertools
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_call

from spanledger_collector.ledger.exports import FORMATS, ExportError
from spanledger_collector.ledger.reconcile import gaps, keep
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book

BOOK = Book()
DAY = 1793577600  # 2026-11-02
_ids = itertools.count(1)


def record(ledger: Any, calls: int = 1, usage: Usage | None = None, **fields: Any) -> None:
    """Calls of $0.28 each."""
    made = [
        make_call(
            usage or Usage(uncached_input=100_000, output=10_000), span_id=next(_ids).to_bytes(8, "big"), **fields
        )
        for _ in range(calls)
    ]
    for one in made:
        one.cost = BOOK.price(one)
    ledger.write(made)


def usage_export(calls: int, model: str = "gpt-4.1", day: int = DAY) -> str:
    row = {
        "object": "organization.usage.completions.result",
        "model": model,
        "num_model_requests": calls,
        "input_tokens": 100_000 * calls,
        "input_cached_tokens": 0,
        "output_tokens": 10_000 * calls,
    }
    return json.dumps({"object": "page", "data": [{"object": "bucket", "start_time": day, "results": [row]}]})


def cost_export(dollars: float, model: str = "gpt-4.1", day: int = DAY) -> str:
    amount = {"value": dollars, "currency": "usd"}
    row = {"object": "organization.costs.result", "line_item": f"{model}, input", "amount": amount}
    return json.dumps({"object": "page", "data": [{"object": "bucket", "start_time": day, "results": [row]}]})


def compared(ledger: Any, *exports: str) -> list[Any]:
    for text in exports:
        keep(ledger.store, list(FORMATS["openai"](text, "")))
    return gaps(ledger.rows("reconciliation"))


def test_sides_that_agree_show_no_gap(ledger):
    record(ledger, 2)
    assert compared(ledger, usage_export(2), cost_export(0.56)) == []


@pytest.mark.parametrize(
    ("exports", "cause"),
    [
        ((usage_export(5),), "3 billed calls are not in the ledger"),
        ((usage_export(1),), "1 calls of the ledger are not billed"),
        ((usage_export(2), cost_export(0.28)), "the counts agree, the bill is half: batch or flex"),
        ((usage_export(2), cost_export(0.476)), "the counts agree, the bill is 0.850 of the list price: a contract"),
    ],
)
def test_a_gap_names_its_likely_cause(ledger, exports, cause):
    record(ledger, 2)
    assert cause in compared(ledger, *exports)[0].cause


def test_a_model_that_nobody_billed_is_named(ledger):
    record(ledger)
    record(ledger, model="o3")
    found = compared(ledger, usage_export(1))
    assert [(gap.model, gap.billed) for gap in found] == [("o3", None)]
    assert "the bill has no such line" in found[0].cause


def test_a_model_that_nobody_recorded_is_named(ledger):
    record(ledger)
    found = compared(ledger, json.dumps([json.loads(usage_export(1)), json.loads(usage_export(1, "o3"))]))
    assert [(gap.model, gap.ledger) for gap in found] == [("o3", None)]
    assert "the ledger has no such call" in found[0].cause


def test_calls_without_a_price_are_the_cause(ledger):
    record(ledger, 1)
    record(ledger, 1, model="gpt-4.1", service_tier="scale")
    found = compared(ledger, usage_export(2), cost_export(0.56))
    assert "1 calls have no known cost" in found[0].cause
    assert found[0].difference == Decimal("0.28")


def test_days_cut_at_another_midnight_are_told_from_missing_calls(ledger):
    record(ledger, 2)
    record(ledger, 1, at="2026-11-03T00:30:00Z")
    found = compared(ledger, cost_export(0.84), cost_export(0, day=DAY + 86_400))
    assert {gap.cause[:37] for gap in found} == {"over all days the two agree: the prov"}


def test_an_import_replaces_the_days_it_covers(ledger):
    record(ledger, 2)
    assert compared(ledger, usage_export(5), usage_export(2)) == []


def test_anthropic_counts_cache_beside_input_and_bills_cents():
    usage = {
        "uncached_input_tokens": 1500,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": 200,
        "output_tokens": 500,
        "model": "claude-sonnet-4-5",
    }
    cost = {"currency": "USD", "amount": "123.45", "model": "claude-sonnet-4-5", "cost_type": "tokens"}
    text = json.dumps({"data": [{"starting_at": "2026-11-02T00:00:00Z", "results": [usage, cost]}]})
    used, billed = FORMATS["anthropic"](text, "")
    assert (used.input_tokens, used.cache_write_tokens, used.day) == (3200, 1500, date(2026, 11, 2))
    assert (billed.cost, billed.source) == (Decimal("1.2345"), "cost")


def test_any_csv_with_a_header_will_do():
    rows = list(FORMATS["csv"]("day,model,cost_usd,calls\n2026-11-02,gpt-4.1,0.56,2\n", "openai"))
    assert (rows[0].cost, rows[0].calls, rows[0].provider) == (Decimal("0.56"), 2, "openai")


@pytest.mark.parametrize(
    ("format_", "text", "problem"),
    [
        ("csv", "date,model\n", "line 1 has the columns date, model; name them day, model and cost_usd"),
        ("csv", "day,model,cost_usd\n2026-11-02,m,cheap\n", "line 2 has the cost_usd 'cheap'"),
        ("csv", "day,model,cost_usd\nyesterday,m,1\n", "line 2 has the day 'yesterday'"),
        ("openai", "<html>", "is no JSON"),
        ("openai", "{}", "page 0 has no list 'data'"),
        ("openai", '{"data": [{"start_time": 1, "results": [{"object": "u"}]}]}', "export with group_by=model"),
        ("anthropic", '{"data": [{"starting_at": "x", "results": []}]}', "bucket 0 starts at 'x'"),
    ],
)
def test_an_export_that_cannot_be_read_says_where_and_what_to_do(format_, text, problem):
    with pytest.raises(ExportError) as refusal:
        list(FORMATS[format_](text, "openai"))
    assert problem in str(refusal.value)
