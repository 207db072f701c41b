from datetime import datetime, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.what_if import Scenario, estimates
from spanledger_collector.review.what_if_command import main

AT = datetime(2026, 10, 30, tzinfo=timezone.utc)
BOOK = Book()
USAGE = Usage(uncached_input=50_000, cache_read=50_000, output=10_000)


def priced(model: str = "gpt-4.1", tier: str = "", usage: Usage = USAGE, **fields):
    call = make_call(usage, "2026-10-30T10:00:00Z", model=model, service_tier=tier, feature="chat", **fields)
    call.cost = BOOK.price(call)
    return call


@pytest.fixture
def rows(ledger):
    ledger.write([priced()])
    return ledger.rows("segments")


def then(rows, **scenario) -> Decimal:
    (each,) = estimates(rows, Scenario(**scenario), (BOOK, BOOK), AT)
    assert each.known == priced().cost.total
    return each.then


def test_nothing_changed_costs_what_it_cost(rows):
    assert then(rows) == priced().cost.total


def test_another_model_costs_what_its_calls_would(rows):
    assert then(rows, model="gpt-4.1-mini") == priced("gpt-4.1-mini").cost.total


def test_more_from_the_cache_is_cheaper(rows):
    cached = Usage(uncached_input=20_000, cache_read=80_000, output=10_000)
    assert then(rows, cache_hit=Decimal("0.8")) == priced(usage=cached).cost.total


def test_half_in_batch_is_half_way_to_batch(rows):
    whole, batch = priced().cost.total, priced(tier="batch").cost.total
    assert batch < whole
    assert then(rows, batch=Decimal("0.5")) == (whole + batch) / 2


def test_a_model_of_unknown_price_is_unknown_with_the_reason(rows):
    (each,) = estimates(rows, Scenario(model="nova-9"), (BOOK, BOOK), AT)
    assert (each.then, "nova-9" in each.reason) == (None, True)


def test_the_command_says_that_it_estimates(api, rows, capsys):
    assert main(["what-if", "--api", api, "--period", "2026-10", "--cache-hit", "0.8"]) == 0
    shown = capsys.readouterr().out
    assert "an estimate at the price book's rates" in shown
    assert "chat" in shown


def test_a_share_beyond_one_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["what-if", "--batch", "80"])
    assert "'80' is no share; write one from 0 to 1" in capsys.readouterr().err
