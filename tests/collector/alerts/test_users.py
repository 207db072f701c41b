"""One user of a service: told where that user stands out, once, and silent for habits, newcomers and whole services."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.alerts.receiver import listen
from tests.support.calls import make_call

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.remembered import Remembered
from spanledger_collector.alerts.rulebook import Rulebook, Silence, own_rule
from spanledger_collector.alerts.trial import Trial
from spanledger_collector.alerts.users import Users
from spanledger_collector.model import Cost

NOON = datetime(2026, 11, 12, 12, tzinfo=timezone.utc)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

FAILING = {"name": "failing", "kind": "threshold", "metric": "failures", "above": 15}

receiver = pytest.fixture(listen)


def calls(at: datetime, count: int, user: str, usd: str = "0.01", failed: int = 0, **fields: Any) -> list[Any]:
    """``count`` of them from ``at`` on, one a second; the first ``failed`` of them fail."""
    bad = {"outcome": "error", "error_type": "BadRequestError", "http_status": 400}
    cost, start = Cost(Decimal(usd), grade="measured"), int(at.timestamp()) * 10**9
    return [
        make_call(
            start_ns=start + at_s * 10**9,
            duration_ns=10**8,
            cost=cost,
            user=user,
            trace_id=f"{user:_<8}{at_s:08d}".encode(),
            **(bad if at_s < failed else {}),
            **fields,
        )
        for at_s in range(count)
    ]


def usual(*users: str, days: int = 10) -> list[Any]:
    """Twenty calls, twenty cents, in an hour of every day."""
    return [call for user in users for back in range(1, days + 1) for call in calls(NOON - back * DAY, 20, user)]


def told(ledger: Any, at: datetime = NOON) -> dict[str, Any]:
    return {one.rule: one for one in Users(ledger.run).judge(at + MINUTE)}


def test_a_user_who_spends_far_beyond_every_usual_day_runs_away(ledger):
    ledger.write(usual("ada", "bob") + calls(NOON - HOUR / 2, 60, "bob", "0.05", conversation="c-1"))
    (only,) = told(ledger).values()
    assert (only.rule, only.labels) == ("user_cost_runaway", (("service", "checkout"), ("user", "bob")))
    assert (only.seen, only.unit, only.calls) == (pytest.approx(3.0), "US dollars", 60)
    assert only.expected == pytest.approx(0.2)
    assert "$3.00 by user bob of checkout in the last hour; usual for that user are up to $0.20" in only.summary
    assert "100% of it by conversation c-1" in only.summary


def test_a_user_who_floods_is_told_even_where_calls_cost_nothing_known(ledger):
    flood = calls(NOON - HOUR / 2, 400, "bob")
    for call in flood:
        call.cost = Cost(None, reason="no price")
    ledger.write(usual("bob") + flood)
    (only,) = told(ledger).values()
    assert (only.rule, only.seen, only.expected) == ("user_traffic_surge", 400.0, 20.0)


def test_a_user_whose_calls_fail_when_others_succeed_is_told_with_the_share(ledger):
    ledger.write(usual("bob") + calls(NOON - HOUR / 2, 40, "bob", failed=30) + calls(NOON - HOUR / 2, 40, "ada"))
    (only,) = told(ledger).values()
    assert (only.rule, only.seen, only.calls) == ("user_failure_spike", 30.0, 40)
    assert "30 of 40 calls failed by user bob of checkout" in only.summary


@pytest.mark.parametrize(
    "now",
    [
        [],
        calls(NOON - HOUR / 2, 40, "bob", "0.02"),  # eighty cents: pennies
        calls(NOON - HOUR / 2, 60, "new", "0.05"),  # of whom nothing is known, among few others
        calls(NOON - HOUR / 2, 9, "bob", failed=9),  # nine failures
        calls(NOON - HOUR / 2, 40, "bob", failed=30) + calls(NOON - HOUR / 2, 80, "ada", failed=60),  # all fail
        calls(NOON - HOUR / 2, 60, "", "0.05"),  # nobody's
    ],
)
def test_what_is_not_told(ledger, now):
    ledger.write(usual("ada", "bob") + now)
    assert told(ledger) == {}


def test_what_was_wild_once_does_not_become_usual_and_what_a_weekday_has_is(ledger):
    wild = calls(NOON - 3 * DAY, 60, "bob", "0.05")
    weekly = [call for week in (1, 2, 3) for call in calls(NOON - 7 * week * DAY, 60, "ada", "0.05")]
    now = [*calls(NOON - HOUR / 2, 60, "bob", "0.05"), *calls(NOON - HOUR / 2, 60, "ada", "0.05")]
    ledger.write(usual("ada", "bob") + wild + weekly + now)
    assert [dict(one.labels)["user"] for one in told(ledger).values()] == ["bob"]


def test_a_new_user_is_compared_with_the_others_of_the_hour(ledger):
    others = [call for one in range(6) for call in calls(NOON - HOUR / 2, 10, f"u{one}")]
    ledger.write(usual("ada") + others + calls(NOON - HOUR / 2, 100, "new", "0.06"))
    (only,) = told(ledger).values()
    assert (only.labels[1], only.seen) == (("user", "new"), pytest.approx(6.0))
    assert "no other user of it had more than $0.10" in only.summary


def test_where_a_whole_service_moves_no_user_is_told_of(ledger):
    users = [f"u{one}" for one in range(6)]
    ledger.write(usual(*users) + [call for user in users for call in calls(NOON - HOUR / 2, 60, user, "0.05")])
    assert told(ledger) == {}
    ledger.write(calls(NOON - HOUR / 2, 60, "u0", "0.05", service="other") + usual("u0"))
    assert told(ledger) == {}  # nothing is known of that user there


def test_of_many_users_only_the_heaviest_are_asked_for(ledger):
    ledger.write([call for one in range(300) for call in calls(NOON - HOUR / 2, 2 + one % 3, f"u{one:03}")])
    window = {"from": [(NOON - HOUR).isoformat()], "to": [NOON.isoformat()], "limit": ["10"]}
    rows = ledger.run("busy_users", window).to_pylist()
    assert 10 <= len(rows) <= 30
    assert {row["others"] for row in rows} == {299}


def test_what_others_did_is_told_beside(ledger):
    ledger.write(calls(NOON - HOUR / 2, 10, "ada", failed=5) + calls(NOON - HOUR / 2, 30, "bob", "0.02", failed=3))
    rows = {row["user"]: row for row in ledger.run("busy_users", {}).to_pylist()}
    assert [rows[user]["like_others"] for user in ("ada", "bob")] == [pytest.approx(1.0), pytest.approx(15.0)]
    assert [rows[user]["others_peak_usd"] for user in ("ada", "bob")] == [Decimal("0.6"), Decimal("0.1")]
    assert [rows[user]["others_peak_calls"] for user in ("ada", "bob")] == [30, 10]
    assert [rows[user]["others_calls"] for user in ("ada", "bob")] == [30, 10]


def test_it_is_told_once_with_evidence_of_that_user_alone_and_can_be_silenced(ledger, receiver):
    # Twice as many calls as a flood is: what costs runs away, and that it also floods is not told.
    ledger.write(usual("ada", "bob") + calls(NOON - HOUR / 2, 400, "bob", "0.05") + calls(NOON - HOUR / 2, 9, "ada"))
    for minute in range(3):
        alerting(ledger, receiver).tick(NOON + minute * MINUTE)
    (only,) = receiver.received
    assert b'"user_cost_runaway"' in only.body
    alerts = {row["rule"]: row for row in ledger.rows("alerts")}
    assert set(alerts) == {"user_cost_runaway", "user_traffic_surge"}
    assert alerts["user_cost_runaway"]["cost_usd"] == Decimal(400) * Decimal("0.05")
    assert {bytes.fromhex(one)[:3] for one in alerts["user_cost_runaway"]["trace_ids"]} == {b"bob"}
    ledger.clear()
    ledger.write(usual("bob") + calls(NOON - HOUR / 2, 60, "bob", "0.05"))
    quiet = Silence({"user": "bob"}, "ada", "a test of load", NOON + DAY)
    alerting(ledger, receiver, Rulebook((), [quiet])).tick(NOON)
    assert len(receiver.received) == 1
    assert [row["state"] for row in ledger.rows("alerts")] == ["firing"]


def test_it_is_over_when_the_hour_is(ledger, receiver):
    ledger.write(usual("bob") + calls(NOON - HOUR / 2, 60, "bob", "0.05"))
    for minute in (0, 45, 90):
        alerting(ledger, receiver).tick(NOON + minute * MINUTE)
    assert [row["state"] for row in ledger.rows("alerts")] == ["resolved"]
    assert len(receiver.received) == 2


def alerting(ledger: Any, receiver: Any, book: Rulebook | None = None) -> Alerting:
    return Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=lambda _: None,
        notifiers=[Webhook(receiver.url)],
        rules=[Users(ledger.run)],
        rulebook=lambda: book or Rulebook(),
    )


def test_it_can_be_tried_on_the_ledger(ledger):
    ledger.write(usual("bob") + calls(NOON - 5 * HOUR, 60, "bob", "0.05"))
    answer = Trial(ledger.run).built_in("user_cost_runaway", 2, NOON)
    assert answer["sentence"] == "user_cost_runaway would have fired once in 2 days"
    (fired,) = answer["fired"]
    assert fired["labels"] == {"service": "checkout", "user": "bob"}
    assert NOON - 5 * HOUR < fired["fired_at"] <= NOON - 4.5 * HOUR
    assert fired["resolved_at"] < NOON - 3 * HOUR


def test_failures_of_a_place_name_the_user_who_has_most_of_them(ledger, receiver):
    own = own_rule(FAILING)
    ledger.write(usual("ada", "bob") + calls(NOON - HOUR / 2, 30, "bob", failed=30) + calls(NOON - HOUR / 2, 30, "ada"))
    alerting(ledger, receiver, Rulebook([own])).tick(NOON)
    (row,) = [row for row in ledger.rows("alerts") if row["rule"] == "failing"]
    assert row["summary"].endswith("; 100% of the failures are user bob's")


def test_a_user_who_usually_makes_most_calls_has_most_failures_too(ledger, receiver):
    ledger.write(usual("bob") + calls(NOON - HOUR / 2, 30, "bob", failed=20))
    alerting(ledger, receiver, Rulebook([own_rule(FAILING)])).tick(NOON)
    assert not [row for row in ledger.rows("alerts") if "user bob's" in row["summary"]]


@pytest.mark.parametrize(("user", "fires"), [("bob", True), ("ada", False)])
def test_own_rules_may_name_a_user_live_and_on_the_past(ledger, receiver, user, fires):
    own = own_rule({"name": "bob", "kind": "threshold", "metric": "cost_usd", "above": 1.0, "filters": {"user": user}})
    ledger.write(calls(NOON - HOUR / 2, 40, "bob", "0.05") + calls(NOON - HOUR / 2, 40, "ada", "0.02"))
    alerting(ledger, receiver, Rulebook([own])).tick(NOON)
    assert [row["labels"] for row in ledger.rows("alerts")] == ([[("user", user)]] if fires else [])
    assert Trial(ledger.run).own(own, 1, NOON)["count"] == fires


@pytest.mark.parametrize("query", ["totals", "latency", "failing_calls", "rule_facts", "durations", "latest_calls"])
def test_queries_of_a_user_are_of_that_user_alone(ledger, query):
    ledger.write(calls(NOON - 3 * HOUR, 5, "bob", failed=2) + calls(NOON - 3 * HOUR, 9, "ada", failed=9))
    rows = ledger.rows(query, user="bob")
    of_bob = {"totals": 5, "failing_calls": 2, "rule_facts": 5, "latency": 3, "durations": 3}
    assert (len(rows) if query == "latest_calls" else sum(row["calls"] for row in rows)) == of_bob.get(query, 5)


def test_the_month_of_a_user_is_read_every_five_minutes_and_no_other_rule_waits():
    asked = []

    def run_query(name, params):
        asked.append(params["to"][0])
        return len(asked)

    ask = Remembered(run_query)
    for minute in (0, 2, 4, 6):
        at = {"from": ["2026-11-01T00:00:00+00:00"], "to": [(NOON + minute * MINUTE).isoformat()]}
        ask("totals", at | {"user": ["bob"]})
        ask("totals", at)
    assert len(asked) == 4 + 2
    assert ask("totals", at | {"user": ["ada"]}) == 7
    assert ask("latency", at | {"user": ["ada"]}) == 8
