"""A stream that tells no usage is modelled from measured calls like it, says so, and names its band."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.calls import make_call

from spanledger_collector.ledger.modelled import FEWEST, TokenModel
from spanledger_collector.model import Call, Usage
from spanledger_collector.pricing import Book

NOW = datetime(2026, 11, 3, tzinfo=timezone.utc)
BOOK = Book()
SITE = {"code_file": "app.py", "code_line": 7}
_ids = itertools.count(1)


def call(usage: Usage | None, chars: tuple[int, int], **fields: Any) -> Call:
    span = next(_ids).to_bytes(8, "big")
    return make_call(usage, span_id=span, input_chars=chars[0], output_chars=chars[1], **(SITE | fields))


@pytest.fixture
def model(ledger):
    """Learnt from calls of 4 characters a token in, 5 out, a tenth of them of 2 and 10."""
    usual = [call(Usage(uncached_input=250, output=100), (1000, 500)) for _ in range(2 * FEWEST)]
    cheap = [call(Usage(uncached_input=125, output=50), (1000, 500)) for _ in range(FEWEST // 2)]
    dear = [call(Usage(uncached_input=500, output=200), (1000, 500)) for _ in range(FEWEST // 2)]
    for one in (made := usual + cheap + dear):
        one.cost = BOOK.price(one)
    ledger.write(made)
    learnt = TokenModel(ledger.run, BOOK.price)
    learnt.refresh(NOW)
    return learnt


def test_tokens_come_from_characters_with_a_band(model):
    one = call(None, (2000, 1000), stream=True)
    cost = model.price(one)
    assert (cost.total, cost.grade) == (Decimal("0.0026"), "modelled")  # 500 x 2/M + 200 x 8/M
    assert (cost.low, cost.high) == (Decimal("0.0013"), Decimal("0.0052"))
    assert "modelled from 60 measured calls of this model at this call site" in cost.reason
    assert one.usage == Usage(uncached_input=500, output=200, grade="modelled")


@pytest.mark.parametrize(
    "fields", [{"code_line": 8}, {"model": "gpt-4.1-mini"}, {"service": "other"}, {"outcome": "error"}]
)
def test_another_site_model_or_end_is_not_modelled(model, fields):
    assert model.price(call(None, (2000, 1000), **fields)).grade == "unknown"


def test_what_was_measured_stays_measured(model):
    assert model.price(call(Usage(uncached_input=1, output=1), (2000, 1000))).grade == "measured"


def test_too_few_measured_calls_model_nothing(ledger):
    ledger.write([call(Usage(uncached_input=250, output=100), (1000, 500)) for _ in range(FEWEST - 1)])
    learnt = TokenModel(ledger.run, BOOK.price)
    learnt.refresh(NOW)
    assert learnt.price(call(None, (2000, 1000))).total is None


def test_modelled_money_is_told_apart(model, ledger):
    one = call(None, (2000, 1000), stream=True)
    one.cost = model.price(one)
    ledger.write([one])
    row = ledger.rows("modelled_costs")[0]
    assert (row["calls"], row["cost_usd"], row["usage_grade"]) == (1, Decimal("0.0026"), "modelled")
    assert (row["cost_low_usd"], row["cost_high_usd"]) == (Decimal("0.0013"), Decimal("0.0052"))
