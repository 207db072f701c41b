import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.collector.alerts.receiver import listen
from tests.collector.alerts.rules import LABELS, Scripted, verdict
from tests.support.calls import make_call

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.rulebook import Rulebook, Silence
from spanledger_collector.model import Cost

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
HALF_MINUTE = timedelta(seconds=30)
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPIKE = [[verdict()]] * 3 + [[verdict("normal", 0)]]

receiver = pytest.fixture(listen)


def alerting(ledger, *notifiers, rule=None, deliveries=None, book=None) -> Alerting:
    return Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=(deliveries if deliveries is not None else []).append,
        notifiers=notifiers,
        rules=[rule or Scripted(list(SPIKE))],
        rulebook=lambda: book or Rulebook(),
    )


def tick(alerts: Alerting, start: datetime, times: int) -> datetime:
    """That many evaluations, half a minute apart; the time of the next."""
    for step in range(times):
        alerts.tick(start + step * HALF_MINUTE)
    return start + times * HALF_MINUTE


def told(receiver) -> list[str]:
    return [json.loads(one.body)["state"] for one in receiver.received]


def test_a_rule_with_nothing_to_say_raises_nothing(ledger, receiver):
    tick(alerting(ledger, Webhook(receiver.url), rule=Scripted([[]])), NOON, 12)
    assert (ledger.rows("alerts"), receiver.received) == ([], [])


def test_a_spike_fires_with_its_evidence(ledger):
    refused = {"outcome": "error", "error_type": "RateLimitError", "http_status": 429, "trace_id": TRACE}
    start = int((NOON + timedelta(seconds=10)).timestamp()) * 10**9
    ledger.write([make_call(start_ns=start, cost=Cost(Decimal("0.25")), **refused)] * 4)
    tick(alerting(ledger), NOON, 3)
    (alert,) = ledger.rows("alerts")
    assert (alert["state"], alert["rule"], alert["kind"]) == ("firing", "failure_spike", "failure_spike")
    assert dict(alert["labels"]) == dict(LABELS)
    assert (alert["calls"], alert["seen"], alert["expected"], alert["unit"]) == (20, 10, 0.2, "failures")
    assert (alert["error_types"], alert["error_calls"]) == (["RateLimitError (429)"], [4])
    assert alert["trace_ids"] == [TRACE.hex()]
    assert (alert["cost_usd"], alert["owner"], alert["basis"]) == (Decimal(1), "ada", "a rule of the test")
    assert (alert["since"], alert["fired_at"]) == (NOON, NOON + 2 * HALF_MINUTE)


def test_unknown_cost_is_not_told_as_zero(ledger):
    ledger.write([make_call(start_ns=int((NOON + timedelta(seconds=10)).timestamp()) * 10**9)])
    tick(alerting(ledger), NOON, 3)
    assert ledger.rows("alerts")[0]["cost_usd"] is None


def test_a_spike_is_told_once_and_so_is_its_end(ledger, receiver):
    tick(alerting(ledger, Webhook(receiver.url)), NOON, 28)
    assert told(receiver) == ["firing", "resolved"]
    assert [row["state"] for row in ledger.rows("alerts")] == ["resolved"]


def test_a_restart_at_any_moment_neither_repeats_nor_forgets(ledger, receiver):
    now = NOON
    for step in range(28):
        said = SPIKE[min(step, 3)]
        now = tick(alerting(ledger, Webhook(receiver.url), rule=Scripted([said])), now, 1)
    assert told(receiver) == ["firing", "resolved"]
    assert len(ledger.rows("alerts")) == 1


def test_a_rule_that_cannot_judge_yet_ends_nothing(ledger, receiver):
    now = tick(alerting(ledger, Webhook(receiver.url)), NOON, 3)
    tick(alerting(ledger, Webhook(receiver.url), rule=Scripted([None])), now, 20)
    assert told(receiver) == ["firing"]
    assert [row["state"] for row in ledger.rows("alerts")] == ["firing"]


class Failing(Scripted):
    def owns(self, rule: str) -> bool:
        return rule == "another"

    def judge(self, now):
        raise RuntimeError("the query takes too long")


def test_a_rule_that_fails_silences_no_other_and_is_told_of(ledger, receiver):
    rules = [Failing(), Scripted([[verdict()]])]
    alerts = Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=lambda _: None,
        notifiers=[Webhook(receiver.url)],
        rules=rules,
    )
    for step in range(3):
        with pytest.raises(RuntimeError, match="takes too long"):
            alerts.tick(NOON + step * HALF_MINUTE)
    assert told(receiver) == ["firing"]


def test_an_alert_whose_rule_is_gone_ends(ledger, receiver):
    now = tick(alerting(ledger, Webhook(receiver.url)), NOON, 3)
    nobody = Scripted([[]])
    nobody.owns = lambda _: False
    tick(alerting(ledger, Webhook(receiver.url), rule=nobody), now, 1)
    assert told(receiver) == ["firing", "resolved"]


def test_what_goes_on_is_told_again_after_four_hours(ledger, receiver):
    alerts = alerting(ledger, Webhook(receiver.url), rule=Scripted([[verdict()]]))
    tick(alerts, NOON, 3)
    for minutes in (60, 239, 242, 243):
        alerts.tick(NOON + timedelta(minutes=minutes))
    assert told(receiver) == ["firing", "firing"]


def test_a_silenced_alert_is_kept_and_not_told_until_the_silence_is_over(ledger, receiver):
    silence = Silence({"service": "checkout"}, "ada", "migration", NOON + timedelta(minutes=10))
    book, rule = Rulebook(silences=[silence]), Scripted([[verdict()]])
    now = tick(alerting(ledger, Webhook(receiver.url), rule=rule, book=book), NOON, 19)
    assert ([row["state"] for row in ledger.rows("alerts")], told(receiver)) == (["firing"], [])
    tick(alerting(ledger, Webhook(receiver.url), rule=rule, book=book), now, 3)
    assert told(receiver) == ["firing"]


def test_a_receiver_in_trouble_is_told_later_and_then_once(ledger, receiver):
    receiver.answers = [503, 500]
    deliveries: list[str] = []
    rule = Scripted([[verdict()]])
    tick(alerting(ledger, Webhook(receiver.url), rule=rule, deliveries=deliveries), NOON, 9)
    assert told(receiver) == ["firing"] * 3
    assert deliveries == ["temporary", "temporary", "ok"]
    assert [row["ok"] for row in ledger.rows("notifications")] == [True, False, False]


def test_a_receiver_that_refuses_is_not_asked_again(ledger, receiver):
    receiver.answers = [404]
    tick(alerting(ledger, Webhook(receiver.url), rule=Scripted([[verdict()]])), NOON, 9)
    assert told(receiver) == ["firing"]
    assert ledger.rows("notifications")[0]["detail"] == "HTTP 404 Not Found"


def test_a_second_spike_is_an_incident_of_its_own_under_one_fingerprint(ledger):
    rule = Scripted(SPIKE + [[]] * 12 + SPIKE)
    tick(alerting(ledger, rule=rule), NOON, 40)
    rows = ledger.rows("alerts")
    assert [row["state"] for row in rows] == ["resolved", "resolved"]
    assert len({row["fingerprint"] for row in rows}) == 1
