"""The spend explorer and the alerts, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.dashboard.test_quality_pages import TRACE, metrics, said
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, hostile, small, totals

from spanledger_dashboard import explorer, incidents

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

PAGES = ["spend", "alerts"]
PARTS = ("cost_input", "cost_cache_read", "cost_cache_write", "cost_output", "cost_other")
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


def segment(model: str, service: str, usd: str | None, **changes: Any) -> dict[str, Any]:
    names = {"service": service, "provider": "openai", "model": model, "feature": "", "team": "", "outcome": "ok"}
    zeros = {"attempts": 3, "without_usage": 0, **dict.fromkeys(TOKENS, 0), **dict.fromkeys(PARTS, Decimal(0))}
    priced = {
        "calls": 3,
        "priced_calls": 0 if usd is None else 3,
        "cost_grade": "unknown" if usd is None else "measured",
    }
    return {**names, **zeros, **priced, "cost": Decimal(usd or 0), **changes}


def incident(name: str = "support", **changes: Any) -> dict[str, Any]:
    times = {"since": NOW - timedelta(hours=1), "fired_at": NOW, "resolved_at": None, "last_failing": NOW}
    seen = {"calls": 9, "seen": 0.5, "expected": 0.01, "unit": "share", "window_minutes": 10, "basis": name}
    lists = {"error_types": [], "error_calls": [], "trace_ids": [TRACE], "labels": [("service", name)]}
    unseen = {"acknowledged_by": "", "acknowledged_at": None, "acknowledged_note": ""}
    texts = {"fingerprint": "f" * 32, "rule": "failure_spike", "state": "firing", "summary": name, "kind": ""}
    return {**times, **seen, **lists, **texts, "owner": "", "runbook_url": "", "cost_usd": None, **unseen, **changes}


def note(detail: str = "", **changes: Any) -> dict[str, Any]:
    sent = {"fingerprint": "f" * 32, "since": NOW, "state": "firing", "notifier": "slack", "sent": NOW}
    return {**sent, "ok": False, "retryable": True, "detail": detail, **changes}


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_ledger_tells_how_to_connect_the_first_service(opened: Opened, page: str) -> None:
    with ApiDouble() as api:
        app = opened(api, page)
    assert not app.exception
    assert "No calls yet" in app.markdown[0].value


@pytest.mark.parametrize("page", PAGES)
def test_hostile_names_are_never_markdown(opened: Opened, page: str) -> None:
    ended = {"state": "resolved", "resolved_at": NOW}
    rows = {
        "segments": [segment(name, name, "0.1") for name in HOSTILE],
        "alerts": [incident(name, fingerprint=f"{n:032x}") for n, name in enumerate(HOSTILE)]
        + [incident(name, **ended) for name in HOSTILE],
        "notifications": [note(name, notifier=name) for name in HOSTILE],
    }
    with ApiDouble(hostile() | rows) as api:
        app = opened(api, page)
    assert not app.exception
    assert not any(name[:9] in text for text in said(app) for name in HOSTILE if name)


def test_the_explorer_says_the_largest_part_and_what_moved(opened: Opened) -> None:
    rows = [segment("gpt-4.1", "support", "3"), segment("gpt-4.1", "triage", "1"), segment("acme", "triage", None)]
    with ApiDouble(small(totals=[totals(cost_usd=Decimal(4))], segments=rows)) as api:
        api.rows_before["segments"] = [segment("gpt-4.1", "support", "1"), segment("gone", "support", "1.5")]
        app = opened(api, "spend")
    assert not app.exception
    assert "The largest part is" in app.text[0].value
    assert app.text[0].value.endswith("$3.00.")
    movers, every = (table.value for table in app.dataframe)
    assert movers["Change"].tolist() == [Decimal(2), Decimal("-1.5"), Decimal(1)]
    assert every["Spend"].isna().tolist() == [False, False, True]


def test_dimensions_come_from_the_url(opened: Opened) -> None:
    with ApiDouble(small(segments=[segment("gpt-4.1", "support", "3", team="core")])) as api:
        app = opened(api, "spend", bars="team", split="feature")
    assert list(app.dataframe[-1].value.columns)[:2] == ["Team", "Feature "]


def test_environments_are_asked_for_only_where_they_are_shown(opened: Opened) -> None:
    rows = [segment("gpt-4.1", "support", "3", key="staging"), segment("gpt-4.1", "support", "1", key="production")]
    with ApiDouble(small(segments=rows)) as api:
        app = opened(api, "spend", bars="environment", split="model")
        assert all(params["by"] == ["environment"] for query, params in api.asked if query == "segments")
        assert app.dataframe[-1].value["Environment"].tolist() == ["staging", "production"]
        assert "environment=staging" in app.dataframe[-1].value["See"][0]
        opened(api, "spend")
    assert "by" not in [params for query, params in api.asked if query == "segments"][-1]


def test_a_change_of_unknown_cost_is_unknown() -> None:
    (row,) = explorer.moved([segment("a", "s", None)], [segment("a", "s", "1")], ("model", "service"))
    assert (row["change"], row["cost"], row["before"]) == (None, None, Decimal(1))
    assert [explorer.signed(each) for each in (None, Decimal(2), Decimal(-2))] == ["unknown", "+$2.00", "\u2212$2.00"]


def test_the_alerts_page_says_what_is_on_and_what_was_not_delivered(opened: Opened) -> None:
    past = incident(state="resolved", resolved_at=NOW)
    with ApiDouble(small(alerts=[incident(), past], notifications=[note("refused")])) as api:
        app = opened(api, "alerts")
    assert not app.exception
    assert app.text[0].value.startswith("1 alert is on: ")
    assert app.text[0].value.endswith("1 incident ended in the last 7 days. 1 notification could not be delivered.")
    assert any("seen 50.0\xa0%\nexpected 1.0\xa0%" in text.value for text in app.text)
    assert app.dataframe[1].value["Result"].tolist() == ["failed"]


def test_silence_is_said(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api, "alerts")
    assert app.text[0].value == "No alert is on. 0 incidents ended in the last 7 days."
    assert not metrics(app)


def test_an_unknown_figure_is_said_to_be_unknown() -> None:
    assert [incidents.number(each, "calls") for each in (None, 18.0)] == ["unknown", "18 calls"]


def test_an_alert_links_to_the_calls_it_speaks_of() -> None:
    at = incident(labels=[("service", "a b"), ("user", "u-1"), ("conversation", 'c"'), ("team", "")])
    assert incidents.calls(at) == "calls?service=a+b&q=user%3D%22u-1%22"
    assert incidents.calls(incident(labels=[("provider", "openai")])) == "calls?provider=openai"
