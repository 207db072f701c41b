"""The collector's own state and the models' prices, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.dashboard.test_quality_pages import TRACE, metrics, said
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, hostile, small

from spanledger_dashboard import health, price_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

STATUS: dict[str, Any] = {
    "counters": {"spanledger_spans_received_total": 12, "spanledger_spans_written_total": 11},
    "log": {"bytes": 2413, "limit_bytes": 10_000, "segments": 1},
    "store": {"rows": 11, "bytes": 2_000_000, "tables": {"calls": {"rows": 11, "bytes": 900}}},
    "prices": {"age_days": 17, "models": 2330, "newest_line": "2026-11-09"},
}


def unpriced(model: str = "acme") -> dict[str, Any]:
    names = {"provider": "openai", "model": model, "price": model, "reason": model, "services": [model, "support"]}
    numbers = {"calls": 7, "input_tokens": 20_000, "output_tokens": 5, "first_seen": NOW, "last_seen": NOW}
    return {**names, **numbers, "trace_ids": [TRACE]}


def test_the_status_says_what_came_in_and_what_waits(opened: Opened) -> None:
    with ApiDouble(**STATUS) as api:
        app = opened(api, "status")
    assert not app.exception
    assert app.text[0].value == (
        "The collector took 12 spans since it began and wrote 11; 2.4\xa0kB wait in its log of at most 10.0\xa0kB; "
        "nothing was refused or lost."
    )
    assert metrics(app)["Log filled"] == "24.1\xa0%"


def test_what_was_lost_is_said_first(opened: Opened) -> None:
    counters = {"spanledger_spans_refused_total": 2, "spanledger_store_failures_total": 5}
    with ApiDouble(**STATUS | {"counters": counters}) as api:
        app = opened(api, "status")
    assert app.text[0].value.endswith("what went wrong most is: write to the store that failed, 5 times.")
    assert app.dataframe[0].value["Times"].tolist() == [5, 2]


def test_a_status_without_figures_is_unknown_and_not_zero(opened: Opened) -> None:
    with ApiDouble() as api:
        app = opened(api, "status")
    assert not app.exception
    assert metrics(app)["Log filled"] == "unknown"
    assert "took unknown spans" in app.text[0].value


@pytest.mark.parametrize(
    ("number", "text"), [(None, "unknown"), (0, "0\xa0B"), (1500, "1.5\xa0kB"), (3e12, "3.0\xa0TB")]
)
def test_sizes_are_said_in_decimal_units(number: float | None, text: str) -> None:
    assert health.size(number) == text


def test_models_without_a_price_are_named(opened: Opened) -> None:
    with ApiDouble(small(unpriced=[unpriced()]), **STATUS) as api:
        app = opened(api, "models")
    assert not app.exception
    assert "1 has no price, for 7 calls: " in app.text[0].value
    assert app.text[0].value.endswith("newest line is of 2026-11-09.")
    assert app.dataframe[0].value["Services"].tolist() == ["acme, support"]


def test_hostile_models_stay_text_and_an_empty_ledger_says_how_to_begin(opened: Opened) -> None:
    lines = [{"id": name, "updated": NOW, "line": '{"model": "x"}'} for name in HOSTILE]
    with ApiDouble(hostile() | {"unpriced": [unpriced(n) for n in HOSTILE], "price_lines": lines}) as api:
        app = opened(api, "models")
    assert not app.exception
    assert not any(name[:9] in text for text in said(app) for name in HOSTILE if name)
    with ApiDouble() as api:
        assert "No calls yet" in opened(api, "models").markdown[0].value


def part(model: str, name: str, tokens: int, usd: str, price: str = "openai/gpt-4.1") -> dict[str, Any]:
    texts = dict.fromkeys(("provider", "service_tier", "team", "feature"), "")
    row = {"day": NOW, "model": model, "cost_grade": "measured", "part": name, "calls": 1, "tokens": tokens}
    return {**texts, **row, "price": price, "cost_usd": Decimal(usd)}


def test_lines_in_force_say_what_a_million_tokens_cost() -> None:
    rows = price_lines.rates(
        [part("a", "input", 500, "0.001"), part("a", "input", 500, "0.001"), part("b", "output", 0, "0")]
    )
    assert [row["model"] for row in rows] == ["a", "b"]
    assert (rows[0]["input"], rows[0]["output"], rows[0]["cost_usd"]) == (Decimal(2), None, Decimal("0.002"))
    assert rows[1]["output"] is None


def test_a_price_line_is_saved_in_the_words_of_a_price_file(opened: Opened) -> None:
    with ApiDouble(small(), **STATUS) as api:
        app = opened(api, "models")
        for name, text in {
            "Name of the line": "deal 1",
            "Provider": "openai",
            "Model, * matches any text": "gpt-4.1*",
        }.items():
            next(each for each in app.text_input if each.label == name).set_value(text)
        next(each for each in app.text_input if each.label.startswith("Discount")).set_value("0.15")
        next(each for each in app.button if each.label == "Save").click().run()
    body = {"provider": "openai", "model": "gpt-4.1*", "discount": "0.15"}
    assert api.acted == [("/api/v1/prices/lines/deal%201", body)]


def repriced(**changes: Any) -> dict[str, Any]:
    day = {"day": "2026-11-20", "calls": 9, "changed_calls": 4, "before": "3.5", "after": "3", "moved": []}
    return {"days": [{**day, "priced_before": 9, "priced_after": 9, "applied": False, **changes}]}


def test_past_days_are_priced_again_only_after_a_dry_run_and_with_a_reason(opened: Opened) -> None:
    with ApiDouble(small(), **STATUS) as api:
        api.answers["/reprice"] = repriced()
        app = opened(api, "models")
        assert not any("Reason" in each.label for each in app.text_input)
        next(each for each in app.button if each.label == "What would change?").click().run()
        assert "4 calls on 1 day would change, \u2212$0.50 in all." in [text.value for text in app.text]
        next(each for each in app.button if each.label == "Apply").click().run()
        assert [body["apply"] for _, body in api.acted] == [False]  # no reason, nothing applied
        next(each for each in app.text_input if "Reason" in each.label).set_value("contract")
        next(each for each in app.button if each.label == "Apply").click().run()
    assert [(body["apply"], body["reason"]) for _, body in api.acted] == [(False, ""), (True, "contract")]
    assert "4 calls on 1 day changed, \u2212$0.50 in all." in [text.value for text in app.text]


def test_a_reader_changes_no_price(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANLEDGER_TOKEN", "r")
    with ApiDouble(small(), **STATUS) as api:
        api.tokens = {"r": ["read"]}
        app = opened(api, "models")
    assert not {each.label for each in app.button} & {"Save", "What would change?", "Apply"}
    assert any("Changing prices needs the admin role." in each.value for each in app.caption)
