"""A version of a service that had not been seen is a deploy; an alert that begins shortly after names it."""

from datetime import datetime, timedelta, timezone

import pytest
from tests.collector.alerts.rules import Scripted, verdict
from tests.support.calls import make_call

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.backtest import deploys
from spanledger_collector.alerts.notify.text import lines
from spanledger_collector.alerts.notify.webhook import payload
from spanledger_collector.alerts.record import to_alert

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def calls(at: datetime, **fields):
    return [make_call(start_ns=int(at.timestamp()) * 10**9, **fields)]


@pytest.fixture
def deployed(ledger):
    """checkout: 1.4.1 for days, 1.4.2 half an hour before noon; search has only ever had one version."""
    for hours in range(1, 60):
        ledger.write(calls(NOON - hours * HOUR, service_version="1.4.1"))
        ledger.write(calls(NOON - hours * HOUR, service="search", service_version="7"))
    for minutes in (30, 20, 10):
        ledger.write(calls(NOON - timedelta(minutes=minutes), service_version="1.4.2"))
        ledger.write(calls(NOON - timedelta(minutes=minutes), service_version="1.4.1"))  # an old replica still answers
        ledger.write(calls(NOON - timedelta(minutes=minutes), service="search", service_version=""))
    return ledger


def test_a_new_version_is_a_deploy_and_the_first_one_ever_is_none(deployed):
    (row,) = deployed.rows("deploys")
    assert (row["service"], row["version"], row["calls"]) == ("checkout", "1.4.2", 3)
    assert row["first_seen"] == NOON - timedelta(minutes=30)
    assert deployed.rows("deploys", from_=NOON.isoformat()) == []
    assert deployed.rows("deploys", service="search") == []


def test_an_alert_names_the_deploy_before_it(deployed):
    alerting = Alerting(
        run_query=deployed.run,
        save=deployed.store.insert,
        delivered=lambda _: None,
        rules=[Scripted([[verdict(), verdict(labels=(("provider", "openai"),))]])],
    )
    alerting.tick(NOON)
    alerts = {dict(row["labels"]).get("service"): to_alert(row) for row in deployed.rows("alerts")}
    assert alerts["checkout"].deploys == ("checkout 1.4.2 at 2026-11-02 11:30 UTC",)
    assert "Deployed shortly before: checkout 1.4.2 at 2026-11-02 11:30 UTC" in lines(alerts["checkout"])
    assert payload(alerts["checkout"])["deploys"] == ["checkout 1.4.2 at 2026-11-02 11:30 UTC"]
    assert alerts[None].deploys == ()


def test_a_back_test_of_the_ledger_knows_them(deployed):
    (event,) = deploys(deployed.run, NOON - 24 * HOUR, NOON)
    assert (event.at, event.service) == (NOON - timedelta(minutes=30), "checkout")
    assert event.what == "first call of version 1.4.2"
