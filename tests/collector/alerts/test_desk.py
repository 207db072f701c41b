"""What people do about alerts over HTTP: kept, in force at the next evaluation, refused with the remedy."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.collector.alerts.receiver import listen
from tests.collector.alerts.rules import Scripted, verdict
from tests.support.calls import make_call

from spanledger_collector.access import Tokens, guarded
from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.anomalies import Anomalies
from spanledger_collector.alerts.desk import AlertDesk
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.rulebook import Rulebook, own_rule
from spanledger_collector.api import create_app
from spanledger_collector.api.alert_actions import alert_actions, alert_readings

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = timedelta(minutes=1)
MANY = {"author": "ada", "kind": "threshold", "metric": "calls", "above": 3, "window": "10m", "keep_firing_for": "0s"}
OF_FILE = Rulebook([own_rule({"name": "filed", "kind": "budget", "usd": 5})])

receiver = pytest.fixture(listen)


@pytest.fixture
def app(ledger: Any, receiver: Any) -> Any:
    desk = AlertDesk(ledger.run, ledger.store.insert, [Webhook(receiver.url)], lambda: OF_FILE)
    anomalies = Anomalies(ledger.run, patience_s=float("inf"))
    actions = (*alert_actions(desk), *alert_readings(anomalies))
    app = create_app(run_query=ledger.run, status=dict, metrics=str, ready=str, version="1", actions=actions)
    app.state.anomalies = anomalies
    return app


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://testserver/api/v1/alerts/", raise_server_exceptions=False) as client:
        yield client


def now() -> datetime:
    return datetime.now(timezone.utc)


def alerting(ledger: Any, receiver: Any, *rules: Any) -> Alerting:
    return Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=lambda _: None,
        rules=rules,
        notifiers=[Webhook(receiver.url)],
    )


def calls(at: datetime, count: int, **fields: Any) -> list[Any]:
    return [make_call(start_ns=int(at.timestamp()) * 10**9, duration_ns=10**9, **fields)] * count


def message(reply: Any) -> str:
    assert reply.status_code in (400, 404)
    return reply.json()["error"]["message"]


def test_a_rule_given_over_the_api_is_in_force_until_it_is_taken_back(client, ledger, receiver):
    ledger.write(calls(now() - 2 * MINUTE, 5))
    given = client.put("rules/busy", json=MANY).json()
    assert (given["name"], given["source"], given["author"], given["above"]) == ("busy", "api", "ada", 3)
    alerting(ledger, receiver).tick(now())
    (alert,) = ledger.rows("alerts")
    assert (alert["rule"], alert["state"], alert["seen"]) == ("busy", "firing", 5)
    assert client.delete("rules/busy").json() == {"removed": "busy"}
    alerting(ledger, receiver).tick(now())
    assert [row["state"] for row in ledger.rows("alerts")] == ["resolved"]


def test_rules_of_every_source_are_listed(client):
    client.put("rules/busy", json=MANY)
    client.put("rules/busy", json=MANY | {"above": 7, "author": "bob"})
    listed = {one["name"]: one for one in client.get("rules").json()["rules"]}
    assert listed["latency_regression"]["source"] == "built_in"
    assert (listed["filed"]["source"], listed["filed"]["usd"], listed["filed"]["for"]) == ("file", 5, "0s")
    assert (listed["busy"]["source"], listed["busy"]["above"], listed["busy"]["author"]) == ("api", 7, "bob")


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("x", {"author": ""}, "author is ''; say who does this"),
        ("x", {"kind": "magic"}, "kind 'magic'; use one of threshold, burn_rate, budget"),
        ("x", {"metric": "mood"}, "metric 'mood' is not known; use one of calls, failures"),
        ("x", {"above": "many"}, "above is 'many'; give a number"),
        ("x", {"below": 1}, "give either above or below"),
        ("x", {"window": "ten"}, "window: 'ten' is no duration; use one like 30s"),
        ("x", {"for": "soon"}, "for: 'soon' is no duration"),
        ("x", {"filters": {"planet": "mars"}}, "filters has 'planet'; use service, environment"),
        ("x", {"filters": ["mars"]}, "filters is ['mars']; give names and texts"),
        ("x", {"colour": "red"}, "'colour' is not known; there are above, below"),
        ("x", {"kind": "budget"}, "'above' is not known; there are filters, for"),
        ("x", {"name": "y"}, "name 'y' is not the address's 'x'"),
        ("filed", {}, "rule 'filed' is of the file that SPANLEDGER_ALERT_RULES names"),
        ("traffic_drop", {}, "name 'traffic_drop' is a built-in rule's"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_the_field_and_the_remedy(client, name, change, says):
    assert says in message(client.put(f"rules/{name}", json=MANY | change))
    assert [one for one in client.get("rules").json()["rules"] if one["source"] == "api"] == []


def test_what_a_rule_needs_is_named(client):
    assert "'metric' is missing" in message(client.put("rules/x", json={"author": "ada", "kind": "threshold"}))
    assert "'objective' is missing" in message(client.put("rules/x", json={"author": "ada", "kind": "burn_rate"}))


@pytest.mark.parametrize(("name", "says"), [("nobody", "no rule 'nobody' was given"), ("filed", "is of the file")])
def test_only_rules_given_over_the_api_are_removed(client, name, says):
    assert says in message(client.delete(f"rules/{name}"))


def test_a_silence_keeps_quiet_and_ends_when_it_is_ended(client, ledger, receiver):
    rule = Scripted([[verdict()]])
    asked = {"author": "ada", "matchers": {"service": "checkout"}, "reason": "migration", "until": "2h"}
    made = client.post("silences", json=asked).json()
    alerts = alerting(ledger, receiver, rule)
    alerts.tick(now() - 2 * MINUTE)
    alerts.tick(now())
    (alert,) = ledger.rows("alerts")
    assert (alert["state"], receiver.received) == ("firing", [])
    (listed,) = client.get("silences").json()["silences"]
    assert (listed["author"], listed["reason"], listed["matchers"]) == ("ada", "migration", {"service": "checkout"})
    assert (listed["source"], listed["silenced"]) == ("api", [alert["fingerprint"]])
    assert client.delete(f"silences/{made['id']}").status_code == 200
    assert client.get("silences").json() == {"silences": [], "inhibited": []}
    assert [row["author"] for row in ledger.rows("silences")] == ["ada"]
    alerts.tick(now())
    assert len(receiver.received) == 1
    assert "no silence" in message(client.delete(f"silences/{made['id']}"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"author": " "}, "author is ' '"),
        ({"matchers": {}}, "matchers is {}; give labels and their values"),
        ({"matchers": {"service": 3}}, "matchers is {'service': 3}"),
        ({"reason": ""}, "reason is empty"),
        ({"until": "never"}, "until is 'never'; give a time with a zone"),
        ({"until": "2026-12-01T00:00:00"}, "until is '2026-12-01T00:00:00'; give a time with a zone"),
        ({"until": "2020-01-01T00:00:00Z"}, "is no end; give a time after since"),
        ({"until": "900d"}, "at most a year from now"),
    ],
)
def test_a_silence_that_cannot_be_used_is_refused(client, change, says):
    asked = {"author": "ada", "matchers": {"service": "checkout"}, "reason": "migration", "until": "2h"}
    assert says in message(client.post("silences", json=asked | change))


def test_who_has_seen_an_alert_is_kept_and_stops_the_repeats_and_not_the_end(client, ledger, receiver):
    rule = Scripted([[verdict()]])
    start = now() - 2 * MINUTE
    alerts = alerting(ledger, receiver, rule)
    alerts.tick(start)
    alerts.tick(start + 2 * MINUTE)
    (alert,) = ledger.rows("alerts")
    asked = {"fingerprint": alert["fingerprint"], "author": "ada", "note": "looking"}
    assert client.post("acknowledgements", json=asked).status_code == 200
    (alert,) = ledger.rows("alerts")
    assert (alert["acknowledged_by"], alert["acknowledged_note"]) == ("ada", "looking")
    assert alert["acknowledged_at"] is not None
    alerts.tick(start + timedelta(hours=9))
    assert len(receiver.received) == 1
    rule.verdicts = [[]]
    alerts.tick(start + timedelta(hours=10))
    assert len(receiver.received) == 2


def test_an_alert_that_is_not_on_cannot_be_acknowledged(client, ledger):
    reply = client.post("acknowledgements", json={"fingerprint": "f" * 32, "author": "ada"})
    assert "is on; the query alerts tells" in message(reply)
    assert ledger.rows("acknowledgements") == []


def test_channels_are_listed_and_tried(client, receiver):
    assert client.get("channels").json() == {"channels": ["webhook"]}
    receiver.answers = [200, 404]
    told = client.post("channels/webhook/test").json()
    assert [(one["state"], one["ok"]) for one in told["deliveries"]] == [("firing", True), ("resolved", False)]
    assert told["ok"] is False
    assert "channel 'pigeon' is not configured; there are webhook" in message(client.post("channels/pigeon/test"))


def test_a_draft_is_tried_on_the_ledger_before_it_is_in_force(client, ledger):
    at = now()
    for days_ago in (1, 3, 9):
        ledger.write(calls(at - timedelta(days=days_ago), 5))
    told = client.post("backtest", json={"draft": {k: v for k, v in MANY.items() if k != "author"}, "days": 30}).json()
    assert (told["count"], told["sentence"]) == (3, "draft would have fired 3 times in 30 days")
    first = told["fired"][0]
    assert (first["seen"], first["expected"], first["unit"]) == (5, 3, "calls")
    assert timedelta(0) <= datetime.fromisoformat(first["fired_at"]) - (at - timedelta(days=9)) <= 6 * MINUTE
    assert datetime.fromisoformat(first["resolved_at"]) - datetime.fromisoformat(first["fired_at"]) == 10 * MINUTE
    assert ledger.rows("alerts") == ledger.rows("alert_rules") == []


def test_rules_there_are_can_be_tried_by_name(client, ledger):
    ledger.write(calls(now() - timedelta(hours=5), 5))
    client.put("rules/busy", json=MANY)
    for name, sentence in (
        ("busy", "busy would have fired once in 1 day"),
        ("filed", "filed would not have fired in 1 day"),
        ("traffic_surge", "traffic_surge would not have fired in 1 day"),
    ):
        assert client.post("backtest", json={"rule": name, "days": 1}).json()["sentence"] == sentence


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "give either rule"),
        ({"rule": "nobody"}, "there is no rule 'nobody'"),
        ({"rule": "filed", "days": 0}, "days is 0; give a whole number from 1 to 90"),
        ({"draft": []}, "draft is []; give a rule as an object"),
        ({"draft": {"kind": "budget", "usd": -1}}, "usd must be above 0"),
    ],
)
def test_a_back_test_that_cannot_be_done_is_refused(client, body, says):
    assert says in message(client.post("backtest", json=body))


def test_reading_needs_the_read_token_and_changing_the_admin_token(app):
    with TestClient(guarded(app, Tokens(read="r", admin="a"))) as client:
        reader, admin = ({"authorization": f"Bearer {token}"} for token in "ra")
        assert client.get("/api/v1/alerts/rules", headers=reader).status_code == 200
        assert client.put("/api/v1/alerts/rules/busy", json=MANY, headers=reader).status_code == 403
        assert client.put("/api/v1/alerts/rules/busy", json=MANY, headers=admin).status_code == 200


def test_the_hours_of_a_group_are_told_as_they_were_judged(app, client, ledger):
    assert "no call of service 'checkout', feature ''" in message(client.get("anomalies?service=checkout"))
    at = now()
    ledger.write([call for hours in range(30) for call in calls(at - timedelta(hours=hours), 5, feature="answer")])
    app.state.anomalies.judge(at)
    told = client.get("anomalies", params={"service": "checkout", "feature": "answer"}).json()
    assert (told["service"], told["feature"], told["learning"], told["flagged"]) == ("checkout", "answer", False, [])
    (series,) = [one for one in told["series"] if one["name"] == "calls"]
    assert series["points"][-2]["seen"] == 5
    assert series["points"][-2]["expected"] is None  # it does not know yet
    assert "'service' is missing" in message(client.get("anomalies"))
