import csv
import io
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from tests.support.calls import make_call

from spanledger_collector.detect import Detectors
from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review import focus
from spanledger_collector.review.command import main

BOOK = Book()
CACHED = Usage(uncached_input=1001, cache_read=2048, output=333, reasoning=20)
WRITTEN = Usage(uncached_input=17, cache_write_5m=3001, cache_write_1h=7, output=41)
PROVIDER_TOLD = Cost(total=Decimal("0.000123456789012345"), grade="provider")
UNKNOWN = Cost(total=None, price="acme/nova-1@unlisted", reason="no price for model 'nova-1' at acme")


def priced(usage: Usage, at: str, **fields):
    call = make_call(usage, at, **fields)
    call.cost = BOOK.price(call)
    assert call.cost.total is not None
    return call


@pytest.fixture
def october(ledger):
    """Two providers, three teams, a charge nobody split, one call of unknown cost; September and November around it."""
    ledger.write(
        [
            priced(CACHED, "2026-10-01T00:00:00Z", team="search", feature="rank|ing"),
            priced(CACHED, "2026-10-01T23:59:59Z", team="search", feature="rank|ing", outcome="error"),
            priced(WRITTEN, "2026-10-31T23:59:59Z", team="ops", provider="anthropic", model="claude-sonnet-4-5"),
            make_call(None, "2026-10-12T08:00:00Z", provider="openrouter", cost=PROVIDER_TOLD),
            make_call(CACHED, "2026-10-12T09:00:00Z", provider="acme", model="nova-1", cost=UNKNOWN),
        ]
    )
    ledger.write([priced(CACHED, "2026-09-30T23:59:59Z", team="search"), priced(WRITTEN, "2026-11-01T00:00:00Z")])
    return ledger


def review(api, capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(["review", "--api", api, *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def charges(api, capsys) -> tuple[list[dict[str, str]], str]:
    code, out, err = review(api, capsys, "--period", "2026-10", "--format", "focus", "--billing-account", "acct-7")
    assert code == 0
    return list(csv.DictReader(io.StringIO(out))), err


def test_focus_rows_sum_exactly_to_the_ledger(api, october, capsys):
    rows, _ = charges(api, capsys)
    (totals,) = october.rows("totals", from_="2026-10-01T00:00:00Z", to="2026-11-01T00:00:00Z")
    for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(Decimal(row[column]) for row in rows) == totals["cost_usd"]


def test_focus_unit_prices_times_quantities_are_the_costs(api, october, capsys):
    rows, _ = charges(api, capsys)
    priced = [row for row in rows if row["ListUnitPrice"]]
    assert len(priced) >= 5
    for row in priced:
        assert Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"]) == Decimal(row["ListCost"])


def test_focus_1_3_adds_who_hosts_and_who_serves(api, october, capsys):
    asked = "--period", "2026-10", "--format", "focus", "--focus-version", "1.3"
    code, out, err = review(api, capsys, *asked)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, {row["ServiceProviderName"] for row in rows}) == (0, {"OpenAI", "openrouter", "Anthropic"})
    assert err.startswith("FOCUS 1.3, 2026-10: 4 of 5 calls")


def test_focus_as_parquet_has_the_same_rows_in_exact_types(api, october, capsys, tmp_path):
    file = tmp_path / "focus.parquet"
    review(api, capsys, "--period", "2026-10", "--format", "focus-parquet", "--out", str(file))
    rows, _ = charges(api, capsys)
    kept = pq.read_table(file)
    assert kept.column_names == list(rows[0])
    assert sum(kept.column("BilledCost").to_pylist()) == sum(Decimal(row["BilledCost"]) for row in rows)
    assert kept.column("ChargePeriodStart").to_pylist()[0] == datetime(2026, 10, 1, tzinfo=timezone.utc)


def test_a_day_is_billed_with_its_month_also_in_a_week_of_two(api, october, capsys):
    _, out, _ = review(api, capsys, "--period", "2026-W40", "--format", "focus")
    billed = {(row["ChargePeriodStart"][:10], row["BillingPeriodStart"]) for row in csv.DictReader(io.StringIO(out))}
    assert billed == {("2026-09-30", "2026-09-01T00:00:00Z"), ("2026-10-01", "2026-10-01T00:00:00Z")}


def test_focus_has_every_mandatory_column_and_ours_last(api, october, capsys):
    rows, _ = charges(api, capsys)
    names = list(rows[0])
    assert len(focus.MANDATORY) == 21
    assert set(focus.MANDATORY) <= set(names)
    own = [name.startswith("x_") for name in names]
    assert own == sorted(own)


def test_focus_leaves_no_column_empty_that_may_not_be(api, october, capsys):
    rows, _ = charges(api, capsys)
    nullable = {"BillingAccountName", "ChargeClass"}
    assert [row for row in rows for name in focus.MANDATORY if name not in nullable and not row[name]] == []


def test_focus_has_a_row_per_day_model_and_token_type(api, october, capsys):
    rows, _ = charges(api, capsys)
    places = [(row["ChargePeriodStart"][:10], row["ProviderName"], row["x_TokenType"]) for row in rows]
    assert sorted(places) == [
        ("2026-10-01", "OpenAI", "cache_read"),
        ("2026-10-01", "OpenAI", "input"),
        ("2026-10-01", "OpenAI", "output"),
        ("2026-10-12", "openrouter", "unsplit"),
        ("2026-10-31", "Anthropic", "cache_write"),
        ("2026-10-31", "Anthropic", "input"),
        ("2026-10-31", "Anthropic", "output"),
    ]


def test_focus_says_what_a_charge_is(api, october, capsys):
    rows, _ = charges(api, capsys)
    (row,) = (row for row in rows if row["x_TokenType"] == "cache_read")
    assert row["ChargeDescription"] == "gpt-4.1 cache-read input tokens"
    assert (row["ConsumedQuantity"], row["PricingQuantity"], row["PricingUnit"]) == (
        "4096.0",
        "0.004096",
        "1000000 Tokens",
    )
    assert (row["BillingPeriodEnd"], row["ChargePeriodEnd"]) == ("2026-11-01T00:00:00Z", "2026-10-02T00:00:00Z")
    assert (row["BillingAccountId"], row["x_CostSource"], row["x_Team"]) == ("acct-7", "measured", "search")
    assert row["Tags"] == '{"team": "search", "feature": "rank|ing"}'


def test_focus_counts_what_it_leaves_out_beside_the_file(api, october, capsys):
    rows, err = charges(api, capsys)
    assert "nova-1" not in {row["x_Model"] for row in rows}
    assert "4 of 5 calls; 1 without a known cost are left out. Costs are estimates from list prices" in err


def test_page_holds_the_month_against_the_one_before(api, october, capsys):
    code, page, _ = review(api, capsys, "--period", "2026-10")
    assert code == 0
    assert "# LLM spend, 2026-10" in page
    assert "| Calls | 5 | 1 | +400.0 % |" in page
    assert "| Failed calls | 1 | 0 | new |" in page
    assert "| Calls without a known cost | 1 | 0 | new |" in page
    assert "| Coverage: calls with a known cost | 80.0% | 100.0% |  |" in page
    assert "**Coverage is below 95 % in one of the months" in page


def test_page_splits_by_team_feature_and_model(api, october, capsys):
    _, page, _ = review(api, capsys, "--period", "2026-10")
    assert "| ops | $0.01" in page
    assert "| rank\\|ing |" in page
    assert "| nova-1 | unknown | - | new | 1 | 0 | 1 |" in page


def test_page_carries_the_findings(api, october, capsys):
    detectors = Detectors(run_query=october.run, save=october.store.insert, failed=pytest.fail)
    detectors.tick(datetime(2026, 10, 20, tzinfo=timezone.utc))
    _, page, _ = review(api, capsys, "--period", "2026-10")
    assert "- **3,382 tokens of nova-1 have no known cost** (no savings claimed; D31, open)." in page


def test_table_has_exact_money_and_no_zero_for_unknown(api, october, capsys):
    _, out, _ = review(api, capsys, "--period", "2026-10", "--format", "csv")
    rows = {(row["by"], row["key"]): row for row in csv.DictReader(io.StringIO(out))}
    assert rows["model", "nova-1"]["cost_usd"] == ""
    (search,) = october.rows("totals", team="search", from_="2026-10-01T00:00:00Z", to="2026-11-01T00:00:00Z")
    assert Decimal(rows["team", "search"]["cost_usd"]) == search["cost_usd"]


@pytest.mark.parametrize("kind", ["md", "csv", "focus"])
def test_an_empty_month_says_so(api, ledger, capsys, kind):
    code, out, err = review(api, capsys, "--period", "2026-10", "--format", kind)
    assert code == 0
    assert "no calls are recorded in 2026-10" in (out + err).lower()


def test_the_review_can_be_written_to_a_file(api, october, capsys, tmp_path):
    file = tmp_path / "review.md"
    code, out, _ = review(api, capsys, "--period", "2026-10", "--out", str(file))
    assert (code, out) == (0, "")
    assert file.read_text(encoding="utf-8").startswith("# LLM spend, 2026-10")


def test_without_a_collector_the_remedy_is_named(capsys):
    code, out, err = review("http://127.0.0.1:1", capsys)
    assert (code, out) == (1, "")
    assert "no collector answers at http://127.0.0.1:1" in err
    assert "spanledger up" in err


def test_a_period_that_is_no_month_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["review", "--period", "last month"])
    assert "'last month' is not a month, a week or days; write a month like 2026-10" in capsys.readouterr().err
