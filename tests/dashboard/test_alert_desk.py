"""What people do about alerts on the page: acknowledge, silence, change rules, try them, test channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.dashboard.test_money_and_alert_pages import incident
from tests.dashboard.test_quality_pages import said
from tests.support.alert_answers import alert_answers, rule
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, hostile, small
from tests.support.review_answer import review

from spanledger_dashboard import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

SECTIONS = ["Alerts", "Budgets", "Rules", "Silences", "Channels"]


@pytest.fixture
def api() -> Iterator[ApiDouble]:
    with ApiDouble(small(alerts=[incident()])) as double:
        double.answers |= alert_answers() | {"/review": review()}
        yield double


def press(app: AppTest, name: str) -> AppTest:
    return next(each for each in app.button if each.label == name).click().run()


def write(app: AppTest, name: str, text: str) -> None:
    next(each for each in app.text_input if each.label == name).set_value(text)


@pytest.mark.parametrize("section", SECTIONS)
def test_hostile_names_are_never_markdown(opened: Opened, section: str) -> None:
    told = [{"acknowledged_by": name, "acknowledged_note": name, "runbook_url": name} for name in HOSTILE]
    seen = [
        incident(name, fingerprint=f"{number:032x}", acknowledged_at=NOW, **told[number])
        for number, name in enumerate(HOSTILE)
    ]
    with ApiDouble(hostile() | {"alerts": seen}) as api:
        api.answers |= alert_answers(*HOSTILE) | {"/review": review(HOSTILE[0])}
        app = opened(api, "alerts", show=section)
        if section == "Channels":
            press(app, "Send a test")
    assert not app.exception
    assert not any(name and name[:9] in text for text in said(app) for name in HOSTILE)


def test_an_alert_is_acknowledged_by_somebody(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts")
    write(app, "Who", "ada")
    write(app, "Note", "looking")
    press(app, "Acknowledge")
    assert api.acted == [
        ("/api/v1/alerts/acknowledgements", {"fingerprint": "f" * 32, "author": "ada", "note": "looking"})
    ]


def test_an_alert_is_silenced_by_its_own_labels_and_rule(opened: Opened, api: ApiDouble) -> None:
    api.answers["/alerts/silences"] = {"silences": []}
    app = opened(api, "alerts")
    write(app, "Why", "a migration")
    press(app, "Silence")
    (path, body) = api.acted[0]
    assert path == "/api/v1/alerts/silences"
    assert body["matchers"] == {"service": "support", "rule": "failure_spike"}
    assert (body["reason"], body["until"]) == ("a migration", "1h")


def test_a_silenced_alert_says_so_and_is_not_silenced_twice(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts")
    assert any(text.value.startswith("Not told until") for text in app.text)
    assert "Silence" not in [each.label for each in app.button]


def test_a_seen_alert_says_who_saw_it(opened: Opened, api: ApiDouble) -> None:
    api.rows["alerts"] = [incident(acknowledged_by="ada", acknowledged_at=NOW, acknowledged_note="looking")]
    app = opened(api, "alerts")
    assert any(text.value.startswith("Seen by ada at") and text.value.endswith(": looking") for text in app.text)
    assert "Acknowledge" not in [each.label for each in app.button]


def test_a_reader_sees_all_and_changes_nothing(opened: Opened, api: ApiDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    api.tokens = {"r": ["read"]}
    monkeypatch.setenv("SPANLEDGER_TOKEN", "r")
    for section in SECTIONS:
        app = opened(api, "alerts", show=section)
        assert not app.exception
        assert any("needs the admin role" in each.value for each in app.caption), section
        kept = {each.label for each in app.button}
        assert not kept & {"Save", "Silence", "Acknowledge", "Try", "Send a test", "End it now"}, section


def test_rules_say_what_they_are(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts", show="Rules")
    table = app.dataframe[0].value
    assert table["Source"].tolist() == ["your own", "built in"]
    assert table["Says"].tolist()[1] == "its own rate"
    assert rules.says(rule()) == "threshold: metric p95_ms, above 20000, window 15m, for 5m, no_data zero"


def test_an_own_rule_is_saved_as_it_was_written(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts", show="Rules")
    write(app, "Name", "too slow/ever")
    next(each for each in app.number_input if each.label == "Value").set_value(20_000.0)
    write(app, "Service", "checkout")
    press(app, "Save")
    (path, body) = api.acted[0]
    assert path == "/api/v1/alerts/rules/too%20slow%2Fever"
    assert body["kind"] == "threshold"
    assert (body["above"], body["window"], body["filters"]) == (20_000.0, "15m", {"service": "checkout"})
    assert "below" not in body
    assert "owner" not in body


def test_a_rule_is_changed_from_what_it_is(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts", show="Rules", rule="support")
    press(app, "Save")
    (path, body) = api.acted[0]
    assert path == "/api/v1/alerts/rules/support"
    assert (body["metric"], body["above"], body["for"], body["no_data"]) == ("p95_ms", 20_000.0, "5m", "zero")


def test_a_rule_is_tried_on_the_past_before_it_is_saved(opened: Opened, api: ApiDouble) -> None:
    app = opened(api, "alerts", show="Rules")
    press(app, "Try on 30 days")
    ((path, body),) = api.acted
    assert path == "/api/v1/alerts/backtest"
    assert body["days"] == 30
    assert body["draft"]["metric"] == "calls"
    assert "support would have fired once in 30 days" in [text.value for text in app.text]


def test_a_channel_that_does_not_hear_says_why(opened: Opened, api: ApiDouble) -> None:
    app = press(opened(api, "alerts", show="Channels"), "Send a test")
    assert "firing: failed support" in [text.value for text in app.text]


def test_without_a_channel_the_page_says_how_to_set_one(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api, "alerts", show="Channels")
    assert any("SPANLEDGER_ALERT_SLACK_WEBHOOK" in each.value for each in app.code)


def test_a_silence_is_ended(opened: Opened, api: ApiDouble) -> None:
    app = press(opened(api, "alerts", show="Silences"), "End it now")
    assert not app.exception
    assert api.acted == [("/api/v1/alerts/silences/s0", {})]


def test_budgets_of_the_running_month_stand_beside_the_alerts(opened: Opened, api: ApiDouble) -> None:
    budget = {"scope": {"team": "support"}, "budget_usd": "100", "spent_usd": "60", "used": 0.6, "burn_multiple": 1.5}
    more = {"runs_out": "2026-11-20", "forecast": None, "chance_to_pass": 0.9}
    api.answers["/review"] = review(budgets=[budget | more])
    app = opened(api, "alerts", show="Budgets")
    assert not app.exception
    assert app.dataframe[0].value["Burn"].tolist() == [1.5]
