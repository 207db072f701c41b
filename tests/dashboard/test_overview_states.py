"""The overview in every state a ledger can be in, run as Streamlit runs it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, beginning, call, hostile, key, latency, small, totals

from spanledger_dashboard.format import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from streamlit.testing.v1 import AppTest

    Opened: TypeAlias = Callable[..., AppTest]


def sentence(app: AppTest) -> str:
    return app.text[0].value


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_an_empty_ledger_tells_how_to_connect_the_first_service(opened: Opened) -> None:
    with ApiDouble() as api:
        app = opened(api)
    assert "No calls yet" in app.markdown[0].value
    assert app.code[0].value == "pip install spanledger\nspanledger run python app.py"
    assert not app.metric


def test_an_empty_ledger_names_an_otlp_address_that_is_not_the_default(opened: Opened) -> None:
    with ApiDouble(otlp_http="http://10.0.0.7:4318") as api:
        app = opened(api)
    assert "SPANLEDGER_ENDPOINT=http://10.0.0.7:4318 spanledger run python app.py" in app.code[0].value


def test_a_small_ledger_shows_the_total_of_the_api(opened: Opened) -> None:
    with ApiDouble(small(totals=[totals(cost_usd=Decimal("4212.351"))])) as api:
        app = opened(api)
    assert not app.exception
    assert metrics(app)["Spend"] == r"\$4,212.35"
    assert r"Exactly \$4,212.351." in app.metric[0].help
    assert sentence(app).startswith("Spend is $4,212.35 in the last 7 days, the same as the 7 days before")


def test_calls_of_unknown_price_stand_beside_the_total(opened: Opened) -> None:
    with ApiDouble(small(totals=[totals(unpriced_calls=12, coverage=0.2)])) as api:
        app = opened(api)
    assert "plus 12 calls of unknown price" in sentence(app)
    assert any(each.value.startswith(r"[\+ 12 calls of unknown price](calls?") for each in app.caption)


def test_a_ledger_without_any_price_is_unknown_and_never_zero(opened: Opened) -> None:
    rows = small(
        totals=[totals(cost_usd=None, coverage=0.0, unpriced_calls=3)],
        spend_by=[key("acme", cost_usd=None, coverage=0.0)],
        latest_calls=[call(cost_usd=None, cost_grade="unknown", cost_reason="no price for acme")],
    )
    with ApiDouble(rows) as api:
        app = opened(api)
    assert metrics(app)["Spend"] == "unknown"
    assert sentence(app) == "3 calls in the last 7 days, none with a known price."
    assert not any("$0" in str(element.value) for element in [*app.metric, *app.text, *app.caption])


def test_a_young_ledger_says_that_it_cannot_compare(opened: Opened) -> None:
    with ApiDouble(small(beginning=[beginning(NOW - timedelta(hours=1))])) as api:
        app = opened(api)
    assert "not enough history to compare, the ledger begins" in sentence(app)
    assert not any(metric.delta for metric in app.metric)


def test_a_view_in_which_every_call_failed_still_draws(opened: Opened) -> None:
    times = dict.fromkeys(("p50_ms", "p95_ms", "p99_ms"))
    with ApiDouble(small(latency=[])) as api:
        api.rows_without_by["latency"] = [latency(calls=0, **times)]
        app = opened(api)
    assert not app.exception
    assert metrics(app)["Latency p95"] == "unknown"
    assert any("nothing to time" in element.value for element in app.markdown)


def test_a_view_without_failures_says_so(opened: Opened) -> None:
    with ApiDouble(small(failures=[])) as api:
        app = opened(api)
    assert any("No call failed" in element.value for element in app.markdown)


@pytest.mark.parametrize("mover", HOSTILE[:5])
def test_hostile_names_appear_only_as_plain_text(opened: Opened, mover: str) -> None:
    with ApiDouble(hostile()) as api:
        api.rows_before["spend_by"] = [key(mover, cost_usd=Decimal(9))]
        app = opened(api)
    assert not app.exception
    assert f"{quoted(mover)} moved most" in sentence(app)
    read_as_markdown = [str(element.value) for element in [*app.markdown, *app.caption, *app.metric]]
    assert not any(name[:9] in text for text in read_as_markdown for name in HOSTILE if name)


def test_made_up_traffic_is_labelled(opened: Opened) -> None:
    with ApiDouble(small(), demo=True) as api:
        app = opened(api)
    assert any("Demo data" in element.value for element in app.markdown)


def test_real_traffic_is_not_labelled_demo(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api)
    assert not any("Demo data" in element.value for element in app.markdown)


def test_a_failing_api_is_named_with_its_words_and_no_figures(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        api.failure = (500, "the disk is full")
        app = opened(api)
    assert "The collector failed to answer" in app.markdown[0].value
    assert "the disk is full" in app.text[0].value
    assert app.text[1].value.startswith("Since ")
    assert not app.metric


def test_a_missing_api_says_how_to_start_it(opened: Opened) -> None:
    with ApiDouble() as api:
        pass
    app = opened(api)
    assert "The collector does not answer" in app.markdown[0].value
    assert "spanledger collect" in app.markdown[1].value


def test_a_wrong_token_is_told_apart_from_a_failure(opened: Opened) -> None:
    with ApiDouble() as api:
        api.failure = (401, "a bearer token is required")
        app = opened(api)
    assert "SPANLEDGER_TOKEN" in app.markdown[1].value


def test_filters_from_the_url_reach_every_query(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api, service=["support", "gone"], range="Last 24 hours")
        asked = {query: params for query, params in api.asked if query in {"totals", "latest_calls", "failures"}}
    assert app.multiselect(key="service").value == ["support", "gone"]
    assert all(params["service"] == ["support", "gone"] for params in asked.values())
    assert len(asked) == 3


def test_choosing_a_model_narrows_the_page(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api)
        api.asked.clear()
        app.multiselect(key="model").set_value(["gpt-4.1"]).run()
        asked = [params.get("model") for query, params in api.asked if query == "totals"]
    assert asked == [["gpt-4.1"]] * 2


def test_a_view_without_calls_offers_to_clear_the_filters(opened: Opened) -> None:
    nothing = totals(calls=0, failures=0, cost_usd=Decimal(0), coverage=None)
    with ApiDouble(small(totals=[nothing])) as api:
        app = opened(api, model=["gone"])
        next(button for button in app.button if button.label == "Clear the filters").click().run()
    assert sentence(app) == "No calls in the last 7 days."
    assert app.multiselect(key="model").value == []


def test_days_that_were_priced_again_are_said_to_be(opened: Opened) -> None:
    texts = {"id": "r", "state": "applied", "price_book": "", "reason": "contract", "closed_month": False}
    counts = dict.fromkeys(("calls", "changed_calls", "priced_before", "priced_after"), 3)
    money = {"cost_before_usd": Decimal(3), "cost_after_usd": Decimal(2), "difference_usd": Decimal(-1)}
    row = {**texts, **counts, **money, "day": NOW, "updated": NOW}
    with ApiDouble(small(restatements=[row])) as api:
        app = opened(api)
    assert not app.exception
    assert any("1 day of this time was priced again since, \u2212\\$1.00 in all." in each.value for each in app.caption)
