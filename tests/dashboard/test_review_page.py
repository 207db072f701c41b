"""The cost review, over answers of the API's own shape."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.dashboard.test_quality_pages import metrics, said
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, hostile, small
from tests.support.review_answer import bridge, fallback, forecast, review, spared

from spanledger_dashboard import course, outlay, reviewed, variance

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]


def double(**changes: Any) -> ApiDouble:
    api = ApiDouble(small())
    api.answers["/review"] = review(**changes)
    return api


def test_an_empty_ledger_tells_how_to_connect_the_first_service(opened: Opened) -> None:
    with ApiDouble() as api:
        app = opened(api, "review")
    assert "No calls yet" in app.markdown[0].value


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_never_markdown(opened: Opened, name: str) -> None:
    with ApiDouble(hostile()) as api:
        api.answers["/review"] = review(name)
        app = opened(api, "review")
    assert not app.exception
    assert not any(name and name[:9] in text for text in said(app))


def test_the_page_opens_with_the_api_s_own_sentence_and_figures(opened: Opened) -> None:
    with double() as api:
        app = opened(api, "review")
    assert not app.exception
    assert app.text[0].value == "LLM spend is $3.00 in 2026-11 so far, mostly support."
    assert metrics(app)["Spend"] == r"\$3.00"
    assert metrics(app)["Expected at the end"] == r"≈ \$5.00"
    assert metrics(app)["Known cost per answer"] == r"\$3.00"


def test_nothing_known_is_said_to_be_unknown(opened: Opened) -> None:
    with double(usd=None, forecast={"period": None, "following": None, "previous": None}) as api:
        app = opened(api, "review")
    assert not app.exception
    assert {metrics(app)[name] for name in ("Spend", "Expected at the end", "Known cost per answer")} == {"unknown"}


def test_a_bridge_that_may_not_be_shown_says_why(opened: Opened) -> None:
    kept_back = bridge() | {"bars": None, "by": None, "suppressed": "coverage is 40 %"}
    with double(bridge=kept_back) as api:
        app = opened(api, "review")
    assert not app.exception
    assert "There is no bridge: coverage is 40 %." in [text.value for text in app.text]


def test_steps_lead_from_one_period_to_the_other_without_a_gap() -> None:
    steps = variance.steps(reviewed.exact(bridge()), "2026-11", "2026-10")
    assert [step["name"] for step in steps] == ["2026-10", "volume", "cache", "2026-11"]
    assert [step["said"] for step in steps] == ["$1.00", "+$2.50", "\u2212$0.50", "$3.00"]
    assert steps[0]["end"] == steps[1]["start"]
    assert steps[1]["end"] == steps[2]["start"]
    assert steps[2]["end"] == steps[3]["end"] == Decimal(3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, r"≈ \$5.00 expected; eight times of ten between \$4.00 and \$7.00."),
        ({"method": "run rate", "p10_usd": None, "p90_usd": None}, "too little history for a range"),
        ({"method": "closed"}, "The period is over"),
    ],
)
def test_a_forecast_says_what_it_rests_on(changes: dict[str, Any], says: str) -> None:
    assert says in course.expected(reviewed.exact(forecast(**changes)))


def test_restated_days_are_told_in_the_first_sentence(opened: Opened) -> None:
    costs = {"cost_before_usd": "2.5", "cost_after_usd": "3", "difference_usd": "0.5", "changed_calls": 2}
    days = [{"day": "2026-11-02T00:00:00Z", "reason": "a corrected price", "price_book": "2026-11", **costs}]
    with double(restatements={"days": days, "difference_usd": {"period": "0.5", "against": "0"}}) as api:
        app = opened(api, "review")
    assert app.text[0].value.endswith("1 day of these periods was priced again since.")
    shown = next(table.value for table in app.dataframe if "Reason" in table.value.columns)
    assert shown.to_dict("records")[0]["Day"] == "2026-11-02"


def test_budgets_say_how_fast_they_are_used(opened: Opened) -> None:
    burn = {"used": 0.5, "burn_multiple": "1.25", "runs_out": "2026-11-28", "forecast": None, "chance_to_pass": 0.4}
    with double(budgets=[{"scope": {"team": "core"}, "budget_usd": "6", "spent_usd": "3", **burn}]) as api:
        app = opened(api, "review")
    (row,) = next(table.value for table in app.dataframe if "Burn" in table.value.columns).to_dict("records")
    assert row["Scope"] == "team core"
    assert (row["Used"], row["Runs out"], row["Budget"]) == (0.5, "2026-11-28", Decimal(6))


def test_a_budget_is_set_and_a_reader_sets_none(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    with double() as api:
        app = opened(api, "review")
        next(each for each in app.number_input if "US dollars" in each.label).set_value(40.0)
        next(each for each in app.button if each.label == "Save").click().run()
        assert api.acted == [
            ("/api/v1/budgets", {"usd": "40.00", "note": "", "team": "", "feature": "", "model": ""}),
        ]
        api.tokens = {"r": ["read"]}
        monkeypatch.setenv("SPANLEDGER_TOKEN", "r")
        app = opened(api, "review")
    assert "Save" not in [each.label for each in app.button]
    assert any("Setting a budget needs the admin role." in each.value for each in app.caption)


def test_an_estimate_is_labelled_as_one(opened: Opened) -> None:
    rows = [
        {"feature": "chat", "cost_usd": "3", "estimate_usd": "1", "reason": ""},
        {"feature": "other", "cost_usd": "9", "estimate_usd": None, "reason": "no price"},
    ]
    with double() as api:
        api.answers["/what-if"] = {"period": "2026-11", "grade": "modelled", "features": rows}
        app = opened(api, "review")
        next(each for each in app.button if each.label == "Estimate").click().run()
    assert not app.exception
    assert "≈ $1.00 instead of $3.00, for 1 of 2 features. An estimate." in [text.value for text in app.text]


def table(app: AppTest, column: str) -> Any:
    return next(each.value for each in app.dataframe if column in each.value.columns)


def test_what_was_not_spent_and_fallbacks_stand_beside_the_waste(opened: Opened) -> None:
    done_without = fallback("", to_model="a plain answer", said=True)
    with double(response_cache=[spared(usd="1.5"), spared(usd=None)], fallbacks=[fallback(), done_without]) as api:
        app = opened(api, "review")
    assert not app.exception
    assert table(app, "Replies")["Not spent"].tolist() == [Decimal("1.5"), None]
    assert any("≈ is modelled" in each.value for each in app.caption)
    stood_in, said_so = table(app, "Instead of").to_dict("records")
    assert (stood_in["Came"], stood_in["How"], stood_in["Paid"]) == ("support", "called", Decimal(3))
    assert (said_so["Came"], said_so["How"]) == ("a plain answer", "said")


def test_retried_calls_lead_to_those_that_were_answered_after_a_retry(opened: Opened) -> None:
    row = {"kind": "retried", "calls": 3, "priced_calls": 3, "cost_usd": "1.5"}
    with double(waste=[row]) as api:
        app = opened(api, "review")
    (see,) = table(app, "What")["See"]
    assert parse_qs(urlsplit(see).query)["q"] == ['retried="true" outcome="ok"']


@pytest.mark.parametrize(("rows", "says"), [([], "No reply came out"), (None, "name no team")])
def test_without_any_the_page_says_so(opened: Opened, rows: list[Any] | None, says: str) -> None:
    with double(response_cache=rows, fallbacks=[]) as api:
        app = opened(api, "review")
    assert not app.exception
    assert any(says in each.value for each in app.markdown)
    assert any("stood in for another" in each.value for each in app.markdown)


def test_what_the_api_refuses_is_said_in_its_words(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        api.failure_of["/review"] = (400, "'period' is '2026-99': use 2026-10")
        app = opened(api, "review", period="2026-11")
    assert any("use 2026-10" in text.value for text in app.text)


def test_the_choice_of_periods_is_the_last_months_and_weeks() -> None:
    assert reviewed.months(date(2026, 1, 31))[:3] == ["2026-01", "2025-12", "2025-11"]
    assert reviewed.weeks(date(2027, 1, 2))[:2] == ["2026-W53", "2026-W52"]


def test_money_is_read_exactly_and_names_that_look_like_money_stay_names() -> None:
    told = reviewed.exact(review("12.5"))
    assert told["showback"]["team"][0]["key"] == "12.5"
    assert told["bridge"]["by"]["team"][0]["bars"]["volume"] == Decimal("2.5")
    assert told["unit_costs"]["now"]["per_million"] == {"all input": Decimal(3)}
    assert outlay.GRADES[0] in told["coverage"]["now"]["grades"]
