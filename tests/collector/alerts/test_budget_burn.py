"""Budgets set over the API are watched: a warning, then that they are used up, by their scope."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.collector.alerts.receiver import listen
from tests.support.calls import make_call

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.budget_burn import BudgetBurn
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.trial import Trial
from spanledger_collector.model import Cost
from spanledger_collector.review import budget_rows

NOON = datetime(2026, 11, 12, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)

receiver = pytest.fixture(listen)


def spend(ledger, dollars: str, at: datetime, **fields) -> None:
    cost = Cost(Decimal(dollars), grade="measured")
    ledger.write([make_call(start_ns=int(at.timestamp()) * 10**9, cost=cost, **fields)])


def budget(ledger, usd: str | None, month: str = "2026-10", **scope: str) -> None:
    rows = budget_rows.table({"usd": usd, "from": month, **scope})
    ledger.store.insert("budgets", rows, f"{usd}-{month}-{sorted(scope.items())}")


def told(ledger, now: datetime) -> list:
    return [(one.rule, one.labels, one.seen, one.expected) for one in BudgetBurn(ledger.run).judge(now)]


def test_a_budget_warns_and_then_is_used_up(ledger):
    budget(ledger, "10", team="ml")
    spend(ledger, "7", NOON - 5 * HOUR, team="ml")
    spend(ledger, "70", NOON - timedelta(days=20), team="ml")  # of last month
    spend(ledger, "70", NOON - 5 * HOUR, team="web")
    assert told(ledger, NOON) == []
    spend(ledger, "2", NOON - 4 * HOUR, team="ml")
    assert told(ledger, NOON) == [("budget_warning", (("team", "ml"),), 9.0, 8.0)]
    spend(ledger, "2", NOON - 3 * HOUR, team="ml")
    assert [one[0] for one in told(ledger, NOON)] == ["budget_warning", "budget_exceeded"]
    assert told(ledger, NOON + timedelta(days=30)) == []


def test_the_newest_month_that_has_begun_holds(ledger):
    budget(ledger, "1", "2026-09")
    budget(ledger, "100", "2026-11")
    budget(ledger, "1", "2026-12")
    spend(ledger, "7", NOON - 5 * HOUR)
    assert told(ledger, NOON) == []
    budget(ledger, None, "2026-12", team="ml")
    budget(ledger, "5", "2026-11", team="checkout")
    assert told(ledger, NOON) == []


def test_what_is_used_up_is_told_once_and_its_warning_no_more(ledger, receiver):
    budget(ledger, "10")
    spend(ledger, "11", NOON - 5 * HOUR)
    alerts = Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=lambda _: None,
        notifiers=[Webhook(receiver.url)],
        rules=[BudgetBurn(ledger.run)],
    )
    for minute in range(3):
        alerts.tick(NOON + timedelta(minutes=minute))
    (only,) = receiver.received
    assert b'"budget_exceeded"' in only.body
    assert {row["rule"] for row in ledger.rows("alerts")} == {"budget_warning", "budget_exceeded"}


def test_it_can_be_tried_on_the_ledger(ledger):
    budget(ledger, "10")
    spend(ledger, "11", NOON - 5 * HOUR)
    answer = Trial(ledger.run).built_in("budget_exceeded", 1, NOON)
    assert answer["sentence"] == "budget_exceeded would have fired once in 1 day"
    (fired,) = answer["fired"]
    assert fired["fired_at"] == NOON - 5 * HOUR + timedelta(minutes=5)
