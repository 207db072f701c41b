"""From stored calls to an alert: the same engine, fed by named queries."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.anomalies import Anomalies
from spanledger_collector.alerts.anomaly.deploys import Deploy
from spanledger_collector.alerts.anomaly.facts import AT, Cell, ErrorType
from spanledger_collector.alerts.anomaly.signal import Scope, Signal
from spanledger_collector.alerts.anomaly.wording import summary
from spanledger_collector.alerts.snapshot import Snapshot
from spanledger_collector.alerts.stored_calls import StoredCalls
from spanledger_collector.model import Cost, Usage

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def calls(at: datetime, count: int, failed: int = 0, **fields):
    """Calls that ended at that time, of which the first ``failed`` were refused by the server."""
    refused = {"outcome": "error", "error_type": "InternalServerError", "http_status": 500}
    ended = {"start_ns": int(at.timestamp()) * 10**9 - 10**9, "duration_ns": 10**9, "feature": "answer"} | fields
    return [make_call(Usage(100, output=20), **(ended | (refused if one < failed else {}))) for one in range(count)]


def two_days(**fields):
    return [call for hour in range(1, 30) for call in calls(NOON - timedelta(hours=hour), 10, **fields)]


def alerting(ledger) -> Alerting:
    anomalies = Anomalies(ledger.run, patience_s=float("inf"))
    return Alerting(run_query=ledger.run, save=ledger.store.insert, delivered=lambda _: None, rules=[anomalies])


def test_failing_calls_become_an_alert_that_clears(ledger):
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20, failed=12)])
    ledger.write([call for step in range(8, 60, 4) for call in calls(NOON + step * MINUTE, 10)])
    alerts = alerting(ledger)
    alerts.tick(NOON + 6 * MINUTE)
    (alert,) = ledger.rows("alerts")
    assert (alert["state"], alert["kind"], alert["seen"]) == ("firing", "failure_spike", 12)
    assert dict(alert["labels"])["error_type"] == "InternalServerError"
    assert "12 of 20 calls failed in the last 5 minutes" in alert["summary"]
    assert alert["error_types"] == ["InternalServerError (500)"]
    for minutes in range(10, 62, 5):
        alerts.tick(NOON + minutes * MINUTE + timedelta(seconds=30))
    assert [row["state"] for row in ledger.rows("alerts")] == ["resolved"]


def test_a_restart_in_the_middle_comes_to_the_same_alert(ledger):
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20, failed=12)])
    for _ in range(2):
        alerting(ledger).tick(NOON + 6 * MINUTE)
    assert [row["state"] for row in ledger.rows("alerts")] == ["firing"]


def test_a_start_goes_on_from_where_the_snapshot_ends(ledger, tmp_path):
    ledger.write(two_days())
    kept = Snapshot(tmp_path / "kept", "store")
    first = Anomalies(ledger.run, patience_s=float("inf"), snapshot=kept)
    first.judge(NOON)
    asked: list[str] = []

    def run(name, params):
        if name == "anomaly_facts":
            asked.extend(params["from"])
        return ledger.run(name, params)

    ledger.write(calls(NOON + MINUTE, 20, failed=12))
    second = Anomalies(run, patience_s=float("inf"), snapshot=kept)
    verdicts = second.judge(NOON + 6 * MINUTE)
    assert min(asked) >= (NOON - 5 * MINUTE).isoformat()
    assert verdicts == first.judge(NOON + 6 * MINUTE)
    assert [one.kind for one in verdicts] == ["failure_spike"]


def test_it_says_nothing_while_it_is_still_learning(ledger):
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20, failed=12)])
    anomalies = Anomalies(ledger.run, patience_s=-1)
    assert anomalies.judge(NOON + 6 * MINUTE) is None


def test_it_gives_way_while_it_learns_and_never_once_it_has(ledger):
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20, failed=12)])
    gave_way: list[bool] = []
    anomalies = Anomalies(ledger.run, patience_s=float("inf"), give_way=lambda: gave_way.append(True))
    anomalies.judge(NOON)
    learned = len(gave_way)
    assert learned
    assert [one.kind for one in anomalies.judge(NOON + 6 * MINUTE) or ()] == ["failure_spike"]
    assert len(gave_way) == learned


def test_history_that_is_loaded_later_is_learned_once_all_of_it_is_there(ledger):
    ledger.write(calls(NOON - timedelta(minutes=20), 3))
    anomalies = Anomalies(ledger.run, patience_s=float("inf"))
    anomalies.judge(NOON)
    ledger.write([call for hour in range(1, 480, 2) for call in calls(NOON - timedelta(hours=hour / 2), 5)])
    anomalies.judge(NOON + 5 * MINUTE)
    ledger.write([call for hour in range(2, 480, 2) for call in calls(NOON - timedelta(hours=hour / 2), 5)])
    anomalies.judge(NOON + 6 * MINUTE)  # more has come since the last look
    assert _learned(anomalies) == []
    anomalies.judge(NOON + 7 * MINUTE)
    learned = _learned(anomalies)
    assert len(learned) > 12
    anomalies.judge(NOON + 8 * MINUTE)
    assert _learned(anomalies) == learned


def test_history_loaded_just_before_a_restart_is_learned_after_it(ledger, tmp_path):
    ledger.write(calls(NOON - timedelta(minutes=20), 3))
    kept = Snapshot(tmp_path / "kept", "store")
    Anomalies(ledger.run, patience_s=float("inf"), snapshot=kept).judge(NOON)
    ledger.write([call for hour in range(1, 480) for call in calls(NOON - timedelta(hours=hour / 2), 5)])
    restarted = Anomalies(ledger.run, patience_s=float("inf"), snapshot=kept)
    assert _learned(restarted) == []
    for tick in (5, 6):  # no more has come since the look before
        restarted.judge(NOON + tick * MINUTE)
    assert len(_learned(restarted)) > 12


def _learned(anomalies: Anomalies) -> list[dict]:
    """Points of the last day that have a band."""
    found = anomalies.series(make_call(Usage()).service, "answer", NOON - timedelta(days=1), NOON)
    series = {one["name"]: one["points"] for one in found["series"]}
    return [point for point in series["calls"] if point["expected"]]


def test_clean_traffic_and_an_empty_ledger_raise_nothing(ledger):
    alerting(ledger).tick(NOON)
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20)])
    alerting(ledger).tick(NOON + 6 * MINUTE)
    assert ledger.rows("alerts") == []


def test_facts_of_a_bucket_are_those_of_its_calls(ledger):
    cost = Cost(Decimal("0.5"), grade="measured")
    ledger.write(calls(NOON + MINUTE, 3, failed=1, cost=cost, first_chunk_ns=10**8))
    ledger.write(calls(NOON + 7 * MINUTE, 1))
    stored = StoredCalls(ledger.run)
    first, second, third = stored.between(NOON, NOON + 15 * MINUTE)
    cell = stored.places.cells[Cell("checkout", "answer", "openai", "gpt-4.1")]
    failed = stored.places.error(ErrorType("InternalServerError", 500))
    of = {name: first.values[place, cell] for name, place in AT.items()}
    assert (first.end, of["calls"], first.values[failed, cell]) == (NOON + 5 * MINUTE, 3, 1)
    assert (of["timed"], of["sized"], of["first"], of["cost"], of["output_tokens"]) == (2, 2, 2, 1.5, 60)
    assert of["log_ms"] == pytest.approx(2 * 6.907755, rel=1e-6)
    assert (second.values[AT["calls"], cell], second.values[AT["unpriced"], cell]) == (1, 1)
    assert not third.values.any()


def test_a_bucket_knows_the_version_that_most_calls_told_of(ledger):
    ledger.write(calls(NOON + MINUTE, 3, service_version="1.4.2") + calls(NOON + MINUTE, 2, service_version="1.4.1"))
    ledger.write(calls(NOON + 7 * MINUTE, 1, service_version=""))
    first, second = StoredCalls(ledger.run).between(NOON, NOON + 10 * MINUTE)
    assert (list(first.versions), list(second.versions)) == (["1.4.2"], [""])


def test_a_calling_line_is_told_by_its_last_folder_and_file():
    told = {"family": "volume", "kind": "cost_runaway", "scope": Scope("group", 0), "minutes": 10, "unit": "calls"}
    numbers = {"nats": 20.0, "seen": 17.0, "expected": 3.0, "of": 17.0}
    signal = Signal(**told, **numbers, dimension={"call_site": "/srv/app/services/support.py:43"})
    assert (
        summary(signal) == "17 calls in the last 10 minutes, most by call site services/support.py:43; 3 were expected"
    )


def test_what_became_usual_ends_its_alert_with_the_reason(ledger):
    ledger.write([*two_days(), *calls(NOON + MINUTE, 20, failed=12)])
    anomalies = Anomalies(ledger.run, patience_s=float("inf"))
    anomalies.judge(NOON + 6 * MINUTE)
    (incident,) = anomalies._engine.incidents.active.values()
    incident.accepted, incident.deploy = True, Deploy(NOON, "1.4.2", "1.4.1")
    anomalies._accepted.append(incident)
    anomalies._engine.incidents.active.clear()
    (verdict,) = anomalies.judge(NOON + 7 * MINUTE)
    assert verdict.judgement == "normal"
    assert verdict.summary.startswith("usual from now on, for it has lasted: 12 of 20 calls failed")
    assert verdict.summary.endswith("version 1.4.2 took over from 1.4.1 at 2026-11-02 12:00 UTC")
    assert anomalies.judge(NOON + 8 * MINUTE) == []


def test_a_reply_that_fails_its_validation_is_a_failure_of_that_kind(ledger):
    (call,) = calls(NOON + MINUTE, 1, span_id=b"invalid!")
    seen = {"spanledger.outcome": "ok", "spanledger.validation.outcome": "failed"}
    ledger.write([call], [make_span(seen, span_id=b"invalid!", start_ns=call.start_ns, end_ns=call.start_ns + 10**9)])
    (row,) = ledger.rows("anomaly_errors")
    assert (row["error_type"], row["calls"]) == ("validation", 1)
    assert ErrorType("validation", 0).kind == "validation_spike"


def test_who_drives_a_surge_is_told_with_the_usual_share(ledger):
    ledger.write(calls(NOON - timedelta(days=1), 9, user="ada") + calls(NOON - timedelta(days=1), 1, user="bob"))
    ledger.write(calls(NOON + MINUTE, 5, user="bob", conversation="c-1") + calls(NOON + MINUTE, 2, user="ada"))
    asked = {"from": [NOON.isoformat()], "to": [(NOON + 5 * MINUTE).isoformat()], "service": ["checkout"]}
    rows = ledger.run("drivers", asked).to_pylist()
    assert [(row["dimension"], row["value"], row["calls"]) for row in rows] == [
        ("user", "bob", 5),
        ("user", "ada", 2),
        ("conversation", "c-1", 5),
    ]
    assert rows[0]["usual_share"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("expected", "words"), [(0.336, "0.34"), (2.62, "2.6"), (1234.5, "1,234"), (1e-9, "almost none")]
)
def test_what_was_expected_is_told_with_the_digits_that_matter(expected, words):
    told = {"family": "volume", "kind": "traffic_surge", "scope": Scope("group", 0), "minutes": 10, "unit": "calls"}
    signal = Signal(**told, nats=20.0, seen=32.0, expected=expected, of=32.0)
    assert summary(signal) == f"32 calls in the last 10 minutes; {words} were expected"
