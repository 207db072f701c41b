"""A deployment's own price lines, and what it is told when a line cannot be used."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book, PriceFileError

if TYPE_CHECKING:
    from pathlib import Path

THOUSAND = Usage(uncached_input=1000, cache_read=1000, output=100)


@pytest.fixture
def priced(tmp_path: Path):
    def price(text: str, at: str = "2026-11-02T12:00:00Z", **fields: str) -> Cost:
        path = tmp_path / "prices.toml"
        path.write_text(text)
        return Book(path).price(make_call(THOUSAND, at=at, **fields))

    return price


def test_a_line_prices_a_model_that_the_book_lacks(priced):
    line = '[[price]]\nprovider = "openai"\nmodel = "ft:gpt-4.1*"\ninput = "3"\ncache_read = "0.75"\noutput = "12"'
    cost = priced(line, model="ft:gpt-4.1-2025-04-14:acme::1")
    assert (cost.total, cost.grade) == (Decimal("0.00495"), "measured")


def test_a_line_prices_a_provider_that_the_book_lacks(priced):
    line = '[[price]]\nprovider = "acme"\nmodel = "*"\ninput = "1"\noutput = "2"'
    assert priced(line, provider="acme", model="own-7b").total == Decimal("0.0022")


def test_what_a_line_leaves_out_stays_as_the_book_has_it(priced):
    cost = priced('[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ncache_read = "0.1"')
    assert (cost.input, cost.cache_read, cost.output) == (Decimal("0.002"), Decimal("0.0001"), Decimal("0.0008"))


def test_a_discount_is_taken_off_every_rate(priced):
    cost = priced('[[price]]\nprovider = "openai"\nmodel = "gpt-4.1*"\ndiscount = "0.15"')
    assert cost.total == Decimal("0.0033") * Decimal("0.85")


LINES = """
[[price]]
provider = "openai"
model = "gpt-4.1"
input = "1"
source = "the list"
[[price]]
provider = "openai"
model = "gpt-4.1"
discount = "0.5"
source = "the rebate"
[[price]]
provider = "openai"
model = "gpt-4.1"
above = 5000
input = "3"
source = "long prompts"
"""


@pytest.mark.parametrize(
    ("usage", "sources"),
    [
        (Usage(uncached_input=1000), ["the list", "the rebate"]),
        (Usage(cache_read=1000), ["the rebate"]),
        (Usage(uncached_input=6000), ["long prompts"]),
        (Usage(uncached_input=6000, output=100), ["long prompts", "the rebate"]),
    ],
)
def test_an_explanation_notes_the_lines_that_priced_the_call(tmp_path: Path, usage: Usage, sources: list[str]):
    path = tmp_path / "prices.toml"
    path.write_text(LINES)
    notes = [line for line in Book(path).explain(make_call(usage)).splitlines() if line.startswith("note: ")]
    assert [note.rpartition(": ")[2] for note in notes] == sources


def test_a_contract_also_holds_for_batch(priced):
    line = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ninput = "1"\ncache_read = "0.5"\noutput = "4"'
    assert priced(line, service_tier="batch").total == Decimal("0.0005") + Decimal("0.0005") + Decimal("0.0002")


def test_a_line_of_some_hours_leaves_the_rest_of_the_day_alone(priced):
    line = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\nhours = ["01:00-04:00"]\ndiscount = "0.5"'
    whole = Decimal("0.0033")
    times = ("00:59:59", "01:00:00", "03:59:59", "04:00:00")
    assert [priced(line, f"2026-11-02T{at}Z").total / whole for at in times] == [1, Decimal("0.5"), Decimal("0.5"), 1]


def test_a_line_for_a_tier_leaves_the_standard_price_alone(priced):
    line = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\nservice_tier = "scale"\ninput = "1"\noutput = "1"'
    assert priced(line, service_tier="scale").total == Decimal("0.0021")
    assert priced(line).total == Decimal("0.0033")


def test_a_line_holds_from_its_day_until_the_next(priced):
    line = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\nfrom = 2026-11-01\nuntil = 2026-12-01\ninput = "0"'
    inputs = [
        priced(line, at=at).input for at in ("2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    ]
    assert inputs == [Decimal("0.002"), 0, Decimal("0.002")]


def test_an_explicit_zero_is_a_price(priced):
    line = '[[price]]\nprovider = "acme"\nmodel = "*"\ninput = "0"\noutput = "0"'
    cost = priced(line, provider="acme", model="own-7b")
    assert (cost.total, cost.grade) == (0, "measured")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[price]\n", "is not valid TOML"),
        ('price = "2"', "start each with [[price]]"),
        ('\n[[price]]\nmodel = "m"\ninput = "1"', "line 2: 'provider' is None"),
        (
            '[[price]]\nprovider = "p"\nmodel = "m"\ninput = 2.5',
            "line 1: 'input' is 2.5; write the exact",
        ),
        (
            '[[price]]\nprovider = "p"\nmodel = "m"\ninput = "-1"',
            "line 1: 'input' is '-1'; write an amount",
        ),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninput = "cheap"', "'input' is 'cheap'"),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninpt = "1"', "unknown key 'inpt'; known keys are"),
        ('[[price]]\nprovider = "p"\nmodel = "m"', "the line gives no price"),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ndiscount = "15"', "'discount' is 15"),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninput = "1"\nfrom = "2026"', "'from' is '2026'; write a day"),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninput = "1"\nfrom = 2026-02-01\nuntil = 2026-01-01', "is not after"),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninput = "1"\nweekdays = ["someday"]', "'weekdays' has 'someday'"),
        (
            '[[price]]\nprovider = "p"\nmodel = "m"\ninput = "1"\nhours = ["22:00-02:00"]',
            "'hours' has '22:00-02:00'; write",
        ),
        ('[[price]]\nprovider = "p"\nmodel = "m"\ninput = "1"\nhours = ["noon"]', "'hours' has 'noon'"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_with_the_remedy(priced, text: str, problem: str):
    with pytest.raises(PriceFileError) as refusal:
        priced(text)
    assert problem in str(refusal.value)
    assert "prices.toml" in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(PriceFileError, match=r"none\.toml: cannot be read"):
        Book(tmp_path / "none.toml")
