import json
from datetime import datetime, timedelta, timezone

import pytest
from tests.collector.alerts.receiver import listen
from tests.support.calls import make_call

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.notify.webhook import Webhook

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
HALF_MINUTE = timedelta(seconds=30)
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")

receiver = pytest.fixture(listen)


def calls(at: datetime, count: int, failed: int = 0, **fields):
    """Calls that ended at that time, of which the first ``failed`` were refused for their rate."""
    refused = {"outcome": "error", "error_type": "RateLimitError", "http_status": 429, "trace_id": TRACE}
    ended = {"start_ns": int(at.timestamp()) * 10**9 - 10**9 + 1, "duration_ns": 10**9 + 123_456_789} | fields
    return [make_call(**(ended | (refused if index < failed else {}))) for index in range(count)]


def history(**fields):
    return [call for hour in range(1, 20) for call in calls(NOON - timedelta(hours=hour), 10, **fields)]


def alerting(ledger, *notifiers, deliveries: list[str] | None = None) -> Alerting:
    deliveries = [] if deliveries is None else deliveries
    return Alerting(run_query=ledger.run, save=ledger.store.insert, delivered=deliveries.append, notifiers=notifiers)


def tick(alerts: Alerting, start: datetime, times: int) -> datetime:
    """That many evaluations, half a minute apart; the time of the next."""
    for step in range(times):
        alerts.tick(start + step * HALF_MINUTE)
    return start + times * HALF_MINUTE


def told(receiver) -> list[str]:
    return [json.loads(one.body)["state"] for one in receiver.received]


def test_clean_traffic_raises_nothing(ledger, receiver):
    ledger.write([*history(), *calls(NOON, 50)])
    tick(alerting(ledger, Webhook(receiver.url)), NOON + HALF_MINUTE, 12)
    assert (ledger.rows("alerts"), receiver.received) == ([], [])


def test_a_spike_fires_with_its_evidence(ledger):
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    tick(alerting(ledger), NOON + HALF_MINUTE, 3)
    (alert,) = ledger.rows("alerts")
    assert (alert["state"], alert["rule"]) == ("firing", "failure-spike")
    assert dict(alert["labels"]) == {"service": "checkout", "model": "gpt-4.1"}
    assert (alert["calls"], alert["seen"], alert["expected"]) == (20, 10, 0.0)
    assert "10 of 20 calls failed in the last 5 minutes (50%); before that 0 of 190" in alert["summary"]
    assert (alert["error_types"], alert["error_calls"]) == (["RateLimitError (429)"], [10])
    assert alert["trace_ids"] == [TRACE.hex()] * 3
    assert (alert["since"], alert["fired_at"]) == (NOON + HALF_MINUTE, NOON + 3 * HALF_MINUTE)


def test_a_spike_is_told_once_and_so_is_its_end(ledger, receiver):
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    later = tick(alerting(ledger, Webhook(receiver.url)), NOON + HALF_MINUTE, 8)
    assert told(receiver) == ["firing"]
    tick(alerting(ledger, Webhook(receiver.url)), later, 20)
    assert told(receiver) == ["firing", "resolved"]
    assert [row["state"] for row in ledger.rows("alerts")] == ["resolved"]


def test_a_restart_at_any_moment_neither_repeats_nor_forgets(ledger, receiver):
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    now = NOON + HALF_MINUTE
    for _ in range(28):
        now = tick(alerting(ledger, Webhook(receiver.url)), now, 1)
    assert told(receiver) == ["firing", "resolved"]
    assert len(ledger.rows("alerts")) == 1


def test_a_receiver_in_trouble_is_told_later_and_then_once(ledger, receiver):
    receiver.answers = [503, 500]
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    deliveries: list[str] = []
    alerts = alerting(ledger, Webhook(receiver.url), deliveries=deliveries)
    tick(alerts, NOON + HALF_MINUTE, 8)
    assert told(receiver) == ["firing"] * 3
    assert deliveries == ["temporary", "temporary", "ok"]
    assert [row["ok"] for row in ledger.rows("notifications")] == [True, False, False]


def test_a_receiver_that_refuses_is_not_asked_again(ledger, receiver):
    receiver.answers = [404]
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    tick(alerting(ledger, Webhook(receiver.url)), NOON + HALF_MINUTE, 8)
    assert told(receiver) == ["firing"]
    assert ledger.rows("notifications")[0]["detail"] == "HTTP 404 Not Found"


def test_a_new_receiver_hears_of_what_is_on_and_not_of_what_is_over(ledger, receiver):
    ledger.write([*history(), *calls(NOON, 20, failed=10)])
    ledger.write([*history(service="mail"), *calls(NOON + timedelta(minutes=20), 20, failed=10, service="mail")])
    tick(alerting(ledger), NOON + HALF_MINUTE, 48)
    assert {row["state"] for row in ledger.rows("alerts")} == {"firing", "resolved"}
    tick(alerting(ledger, Webhook(receiver.url)), NOON + timedelta(minutes=24, seconds=30), 1)
    assert [json.loads(one.body)["labels"]["service"] for one in receiver.received] == ["mail"]


def test_a_call_that_failed_after_a_long_wait_counts_when_it_failed(ledger):
    ledger.write(history())
    ledger.write(calls(NOON, 20, failed=10, start_ns=int((NOON.timestamp() - 900) * 10**9), duration_ns=900 * 10**9))
    tick(alerting(ledger), NOON + HALF_MINUTE, 3)
    assert [row["state"] for row in ledger.rows("alerts")] == ["firing"]


def test_a_service_without_a_past_raises_nothing(ledger):
    ledger.write(calls(NOON, 20, failed=20))
    tick(alerting(ledger), NOON + HALF_MINUTE, 6)
    assert ledger.rows("alerts") == []


def test_a_second_spike_is_an_incident_of_its_own_under_one_fingerprint(ledger):
    ledger.write([*history(), *calls(NOON, 20, failed=10), *calls(NOON + timedelta(minutes=30), 20, failed=15)])
    tick(alerting(ledger), NOON + HALF_MINUTE, 66)
    rows = ledger.rows("alerts")
    assert [row["state"] for row in rows] == ["firing", "resolved"]
    assert len({row["fingerprint"] for row in rows}) == 1
