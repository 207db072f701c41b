"""The collector's own state and the models' prices, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.dashboard.test_quality_pages import TRACE, metrics, said
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, hostile, small

from spanledger_dashboard import health

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
