"""Pricing the past again changes calls, rollups and totals together, once, and writes down that it did."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.calls import make_call

from spanledger_collector.ledger.reprice import Closed, Gone, Repricing
from spanledger_collector.model import Call, Cost, Usage
from spanledger_collector.pricing import Book
from spanledger_collector.store import QueryRefused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.ledger import Ledger

DAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
DECEMBER = datetime(2026, 12, 1, tzinfo=timezone.utc)
WINDOW = {"from_": "2026-11-02T00:00:00Z", "to": "2026-11-03T00:00:00Z"}
BROKEN = {"from_": "2026-11-02T00:00:00Z", "to": "2026-11-02T23:59:59Z"}  # its last hour is summed from the calls
NEW_PRICE = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ninput = "1"\noutput = "4"\n'
NEW_MODEL = '[[price]]\nprovider = "openai"\nmodel = "gpt-99"\ninput = "1"\noutput = "4"\n'
_ids = itertools.count(1)


def call(book: Book, **fields: Any) -> Call:
    one = make_call(Usage(uncached_input=1000, output=100), span_id=next(_ids).to_bytes(8, "big"), **fields)
    one.cost = book.price(one)
    return one


@pytest.fixture
def priced_by(tmp_path: Path):
    def book(lines: str) -> Book:
        path = tmp_path / "prices.toml"
        path.write_text(lines)
        return Book(path)

    return book


def repricing(ledger: Ledger, book: Book) -> Repricing:
    return Repricing(ledger.run, ledger.store, book.price, "test")


def spent(ledger: Ledger, window: dict[str, str] = WINDOW) -> tuple[int, Decimal, int]:
    row = ledger.rows("totals", **window)[0]
    return row["calls"], row["cost_usd"], row["unpriced_calls"]


def test_a_preview_changes_nothing(ledger, priced_by):
    ledger.write([call(Book()), call(Book())])
    preview = repricing(ledger, priced_by(NEW_PRICE)).preview(DAY)
    assert (preview.changed_calls, preview.before, preview.after) == (2, Decimal("0.0056"), Decimal("0.0028"))
    assert [(one.names[0], one.calls, one.before, one.after) for one in preview.moved] == [
        ("gpt-4.1", 2, Decimal("0.0056"), Decimal("0.0028"))
    ]
    assert spent(ledger) == (2, Decimal("0.0056"), 0)


def test_calls_rollups_and_totals_move_together(ledger, priced_by):
    ledger.write([call(Book()), call(Book(), model="gpt-5")])
    repricing(ledger, priced_by(NEW_PRICE)).apply(DAY, "contract", now=NOW)
    assert spent(ledger) == spent(ledger, BROKEN) == (2, Decimal("0.0014") + Decimal("0.00225"), 0)


def test_a_call_that_was_unknown_is_counted_as_known(ledger, priced_by):
    ledger.write([call(Book(), model="gpt-99")])
    assert spent(ledger) == (1, None, 1)
    repricing(ledger, priced_by(NEW_MODEL)).apply(DAY, "a price was missing", now=NOW)
    assert spent(ledger) == spent(ledger, BROKEN) == (1, Decimal("0.0014"), 0)
    rollup = ledger.store.query("SELECT cost_grade, sum(calls) AS n FROM calls_hourly GROUP BY 1 HAVING n > 0")
    assert rollup.to_pylist() == [{"cost_grade": "measured", "n": 1}]


def test_pricing_twice_is_pricing_once(ledger, priced_by):
    ledger.write([call(Book())])
    again = repricing(ledger, priced_by(NEW_PRICE))
    again.apply(DAY, "contract", now=NOW)
    once = spent(ledger)
    assert again.apply(DAY, "contract", now=NOW).changed_calls == 0
    assert spent(ledger) == once
    assert len(ledger.rows("restatements")) == 1


def test_back_and_forth_ends_where_it_began(ledger, priced_by):
    ledger.write([call(Book())])
    before = spent(ledger)
    for book in (priced_by(NEW_PRICE), Book(), priced_by(NEW_PRICE), Book()):
        repricing(ledger, book).apply(DAY, "changed my mind", now=NOW)
    assert spent(ledger) == before


def test_every_change_is_on_record(ledger, priced_by):
    ledger.write([call(Book())])
    repricing(ledger, priced_by(NEW_PRICE)).apply(DAY, "contract of May", now=NOW)
    row = ledger.rows("restatements")[0]
    assert (row["state"], row["reason"], row["changed_calls"]) == ("applied", "contract of May", 1)
    assert row["difference_usd"] == Decimal("-0.0014")
    assert row["closed_month"] is False


def test_a_closed_month_moves_only_when_told(ledger, priced_by):
    ledger.write([call(Book())])
    again = repricing(ledger, priced_by(NEW_PRICE))
    with pytest.raises(Closed, match="--restate"):
        again.apply(DAY, "late", now=DECEMBER)
    assert spent(ledger) == (1, Decimal("0.0028"), 0)
    again.apply(DAY, "late", restate=True, now=DECEMBER)
    assert spent(ledger) == (1, Decimal("0.0014"), 0)
    assert ledger.rows("restatements")[0]["closed_month"] is True


def test_what_the_provider_reported_stays(ledger, priced_by):
    one = call(Book())
    one.cost = Cost(Decimal("0.5"), grade="provider")
    ledger.write([one])
    assert repricing(ledger, priced_by(NEW_PRICE)).apply(DAY, "contract", now=NOW).changed_calls == 0


def test_a_day_whose_calls_are_gone_is_refused(ledger, priced_by):
    ledger.write([call(Book()), call(Book())])
    ledger.store.command("TRUNCATE TABLE calls")
    with pytest.raises(Gone, match="of the 2 calls of 2026-11-02 only 0 are still kept"):
        repricing(ledger, priced_by(NEW_PRICE)).apply(DAY, "contract", now=NOW)


def test_the_next_run_finishes_what_a_crash_left(ledger, priced_by, monkeypatch):
    ledger.write([call(Book())])
    again = repricing(ledger, priced_by(NEW_PRICE))
    monkeypatch.setattr("spanledger_collector.ledger.rollups.repair", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        again.apply(DAY, "contract", now=NOW)
    monkeypatch.undo()
    again.apply(DAY, "contract", now=NOW)
    assert spent(ledger) == spent(ledger, BROKEN) == (1, Decimal("0.0014"), 0)
    assert [row["state"] for row in ledger.rows("restatements")] == ["applied"]


def test_other_units_survive_the_way_through_the_ledger(ledger):
    usage = Usage(1000, 20, 30, 40, 5, 100, 7, 9, other=(("image_output", 11), ("web_searches", 2)))
    one = make_call(usage, provider="anthropic", model="claude-sonnet-4-5", region="us")
    one.cost = Book().price(one)
    ledger.write([one])
    assert repricing(ledger, Book()).preview(DAY).changed_calls == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["gpt-4.1", "gpt-99", "gpt-5"]), st.integers(0, 23), st.integers(0, 10**6)),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rollup_is_the_sum_of_the_calls(ledger, priced_by, made):
    ledger.clear()
    for model, hour, tokens in made:
        one = call(Book(), model=model, at=f"2026-11-02T{hour:02}:30:00Z")
        one.usage = Usage(uncached_input=tokens, output=1)
        one.cost = Book().price(one)
        ledger.write([one])
    repricing(ledger, priced_by(NEW_PRICE + NEW_MODEL)).apply(DAY, "both", now=NOW)
    rolled, single = (
        ledger.store.query(f"SELECT sum({cost}) AS usd, {count} AS known FROM {table}").to_pylist()
        for table, cost, count in (
            ("calls_hourly", "cost", "sum(priced_calls)"),
            ("calls", "ifNull(cost, 0)", "countIf(cost IS NOT NULL)"),
        )
    )
    assert rolled == single


def test_a_busy_hour_is_read_in_parts(ledger):
    ledger.write([call(Book(), at=f"2026-11-02T12:{minute:02}:00Z") for minute in (1, 29, 31, 59)])
    asked: list[tuple[str, str]] = []

    def narrow(name, params):
        asked.append((params["from"][0], params["to"][0]))
        table = ledger.run(name, params)
        if table.num_rows > 2:
            raise QueryRefused("rows", "too many")
        return table

    assert Repricing(narrow, ledger.store, Book().price, "test").preview(DAY).calls == 4
    assert ("2026-11-02T12:00:00.000000Z", "2026-11-02T12:30:00.000000Z") in asked
