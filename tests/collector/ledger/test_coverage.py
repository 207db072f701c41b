"""Coverage by calls and by money, per grade: what is not known has no share of what is."""

from __future__ import annotations

from decimal import Decimal

from tests.support.calls import make_call

from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book

GRADES = [("measured", Decimal(6)), ("provider", Decimal(1)), ("modelled", Decimal(1)), ("unknown", None)]


def test_every_grade_has_its_share_of_calls_and_of_money(ledger):
    for number, (grade, dollars) in enumerate(GRADES, 1):
        call = make_call(Usage(10, output=1), span_id=number.to_bytes(8, "big"))
        call.cost = Cost(dollars, grade=grade)
        ledger.write([call])
    rows = {
        row["grade"]: (row["calls_share"], row["money_share"], row["cost_usd"]) for row in ledger.rows("cost_coverage")
    }
    assert rows == {
        "measured": (0.25, 0.75, 6),
        "provider": (0.25, 0.125, 1),
        "modelled": (0.25, 0.125, 1),
        "unknown": (0.25, None, None),
    }


def test_what_the_provider_reported_is_taken_as_it_is():
    call = make_call(Usage(1000, output=100), provider="openrouter", reported_cost=Decimal("0.00123"))
    cost = Book().price(call)
    assert (cost.total, cost.grade) == (Decimal("0.00123"), "provider")
