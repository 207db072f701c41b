"""Whose calls they were, and what those cost, when the sums by the hour tell of other calls than there are."""

from decimal import Decimal

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Cost, Usage


def call(number, user, usd):
    cost = Cost(usd and Decimal(usd), grade="measured" if usd else "unknown")
    ids = {"trace_id": bytes([number] * 16), "span_id": bytes([number] * 8)}
    return make_call(Usage(1, output=1), user=user, cost=cost, feature="x", **ids)


@pytest.mark.parametrize("forgotten", ["calls_hourly", "calls", ""])
def test_money_is_of_calls_that_are_there(ledger, forgotten):
    ledger.write([call(1, "ada", "0.25"), call(2, "bob", "0.5"), call(3, "", "4"), call(4, "ada", None)])
    if forgotten:  # parts of a table and of its sums need not be forgotten at one time
        ledger.store._writer.command(f"TRUNCATE TABLE {forgotten}")
    known = (0, 0, None) if forgotten == "calls" else (2, 3, Decimal("0.75"))
    for by in ({}, {"by": "feature"}):
        rows = [(row["users"], row["calls"], row["cost_usd"]) for row in ledger.rows("users", **by)]
        assert rows == ([] if by and not known[0] else [known])


def test_calls_of_nobody_cost_no_user(ledger):
    ledger.write([call(1, "", "4"), call(2, "", None)])
    assert [tuple(row.values()) for row in ledger.rows("users")] == [(0, 0, None)]
