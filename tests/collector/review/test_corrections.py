"""A closed month priced again: the export has the charges as booked and the corrections, together the ledger."""

import csv
import io
import itertools
import json
import urllib.request
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call

from spanledger_collector.ledger.reprice import Repricing
from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.command import main

DAY = datetime(2026, 10, 2, tzinfo=timezone.utc)
OPEN, CLOSED = (datetime(2026, month, 20, tzinfo=timezone.utc) for month in (10, 11))
CHEAPER = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ndiscount = "0.5"\n'
KNOWN = '[[price]]\nprovider = "openai"\nmodel = "gpt-99"\ninput = "1"\ncache_read = "0.1"\noutput = "4"\n'
LOST = '[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\nunpriced = ["input", "output"]\n'
PROVIDER_TOLD = Cost(total=Decimal("0.000123456789012345"), grade="provider")
USAGE = Usage(uncached_input=1001, cache_read=2048, cache_write_5m=0, output=333, reasoning=20)
_ids = itertools.count(1)


def call(at: str, **fields):
    one = make_call(USAGE, at, span_id=next(_ids).to_bytes(8, "big"), **fields)
    one.cost = fields.get("cost") or Book().price(one)
    return one


@pytest.fixture
def october(ledger):
    ledger.write(
        [
            call("2026-10-02T01:00:00Z", team="search"),
            call("2026-10-02T02:00:00Z", team="search"),
            call("2026-10-02T03:00:00Z", team="ops", feature="rank"),
            call("2026-10-02T04:00:00Z", model="gpt-99"),
            call("2026-10-02T05:00:00Z", provider="openrouter", cost=PROVIDER_TOLD),
            call("2026-10-03T05:00:00Z", team="search"),
        ]
    )
    return ledger


@pytest.fixture
def reprice(october, tmp_path):
    def again(lines: str, now: datetime, reason: str = "a price was wrong") -> None:
        path = tmp_path / "prices.toml"
        path.write_text(lines)
        Repricing(october.run, october.store, Book(path).price, "test").apply(DAY, reason, restate=True, now=now)

    return again


@pytest.fixture
def exported(api, october, capsys):
    def rows(*asked: str) -> list[dict[str, str]]:
        assert main(["review", "--api", api, "--period", "2026-10", "--format", "focus", *asked]) == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    return rows


def charges(rows):
    return [row for row in rows if not row["ChargeClass"]]


def corrections(rows):
    return [row for row in rows if row["ChargeClass"]]


def spent(october, **filters) -> Decimal:
    window = {"from_": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    return october.rows("totals", **window, **filters)[0]["cost_usd"]


@pytest.mark.parametrize("lists", [(CHEAPER,), (KNOWN,), (LOST,), (CHEAPER, KNOWN), (KNOWN, LOST, CHEAPER + KNOWN)])
def test_the_charges_stay_as_booked_and_with_the_corrections_sum_to_the_ledger(reprice, exported, october, lists):
    booked = exported()
    for number, lines in enumerate(lists):
        reprice(lines, CLOSED + timedelta(days=20 * number))
    rows = exported()
    assert charges(rows) == booked
    assert corrections(rows)
    assert sum(Decimal(row["BilledCost"]) for row in rows) == spent(october)
    assert sum(int(row["x_Calls"] or 0) for row in rows) == sum(int(row["x_Calls"]) for row in booked)


def test_a_correction_is_billed_in_the_month_it_was_made_and_says_why(reprice, exported, october):
    reprice(CHEAPER, CLOSED, "contract 4711")
    (row,) = (row for row in corrections(exported("--team", "ops")) if row["x_TokenType"] == "output")
    assert (row["ChargeClass"], row["ChargeCategory"]) == ("Correction", "Usage")
    assert row["ChargePeriodStart"] == "2026-10-02T00:00:00Z"
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert row["ChargeDescription"] == "gpt-4.1 output tokens, corrected: contract 4711"
    assert Decimal(row["BilledCost"]) == -333 * Decimal("0.000008") / 2
    assert {row[name] for name in ("PricingQuantity", "PricingUnit", "ConsumedQuantity", "ListUnitPrice")} == {""}


def test_one_team_sees_its_own_corrections_alone(reprice, exported, october):
    reprice(CHEAPER, CLOSED)
    rows = exported("--team", "search")
    assert {row["x_Team"] for row in rows} == {"search"}
    assert sum(Decimal(row["BilledCost"]) for row in rows) == spent(october, team="search")


def test_an_open_month_is_not_corrected_but_charged_anew(reprice, exported, october):
    reprice(CHEAPER, OPEN)
    rows = exported()
    assert corrections(rows) == []
    assert sum(Decimal(row["BilledCost"]) for row in rows) == spent(october)


def test_an_interrupted_change_is_one_correction(reprice, exported, october, monkeypatch):
    booked, command = exported(), type(october.store).command

    def breaks(store, sql, settings=None):
        if sql.startswith("ALTER"):
            raise ConnectionError("the power went")
        command(store, sql, settings)

    monkeypatch.setattr(type(october.store), "command", breaks)
    with pytest.raises(ConnectionError):
        reprice(CHEAPER, CLOSED)
    assert exported() == booked
    monkeypatch.undo()
    reprice(CHEAPER, CLOSED)
    rows = exported()
    assert charges(rows) == booked
    assert sum(Decimal(row["BilledCost"]) for row in rows) == spent(october)


SAID = "Priced again after the fact: 1 day of 2026-10, \u2212$0.01 in all (contract 4711)."


@pytest.mark.parametrize("form", ["md", "html", "slack"])
def test_every_report_says_that_a_day_was_priced_again(reprice, api, capsys, form):
    asked = ["review", "--api", api, "--period", "2026-10", "--format", form]
    assert main(asked) == 0
    assert "after the fact:" not in capsys.readouterr().out
    reprice(CHEAPER, CLOSED, "contract 4711")
    assert main(asked) == 0
    assert SAID in capsys.readouterr().out


def test_the_table_and_the_api_say_it_too(reprice, api, capsys):
    reprice(CHEAPER, CLOSED, "contract 4711")
    assert main(["review", "--api", api, "--period", "2026-10", "--format", "csv"]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    (row,) = (row for row in rows if row["by"] == "restated")
    assert row["key"] == "2026-10-02"
    with urllib.request.urlopen(f"{api}/api/v1/review?period=2026-10", timeout=120) as reply:
        restated = json.load(reply)["restatements"]
    assert restated["said"] == SAID
    moved = Decimal(row["cost_usd"]) - Decimal(row["previous_cost_usd"])
    assert Decimal(restated["difference_usd"]["period"]) == moved < 0


def test_the_next_month_says_it_of_the_one_before(reprice, api, october, capsys):
    october.write([call("2026-11-05T01:00:00Z", team="search")])
    reprice(CHEAPER, CLOSED, "contract 4711")
    assert main(["review", "--api", api, "--period", "2026-11", "--format", "md"]) == 0
    assert SAID in capsys.readouterr().out
