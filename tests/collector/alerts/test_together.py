"""One message for what changes together, none for what another alert says already; restarts change nothing."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest
from tests.collector.alerts.receiver import listen
from tests.collector.alerts.rules import Scripted, verdict

from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.inhibition import inhibited
from spanledger_collector.alerts.notify.slack import Slack, message
from spanledger_collector.alerts.notify.smtp import Smtp
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.state import Alert

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
OUTAGE = verdict(rule="provider_outage", kind="provider_outage", labels=(("provider", "openai"),))

receiver = pytest.fixture(listen)


def slow(count: int) -> list:
    rule = {"rule": "latency_regression", "kind": "latency_regression"}
    return [verdict(**rule, labels=(("provider", "openai"), ("service", f"s{one}"))) for one in range(count)]


class Everything(Scripted):
    def owns(self, rule: str) -> bool:
        return True


def alerting(ledger, notifier, verdicts) -> Alerting:
    return Alerting(
        run_query=ledger.run,
        save=ledger.store.insert,
        delivered=lambda _: None,
        notifiers=[notifier],
        rules=[Everything([verdicts])],
    )


def texts(receiver) -> list[str]:
    return [one.body.decode() for one in receiver.received]


def tick(ledger, notifier, verdicts, *minutes: float) -> None:
    """A new process at each moment: what was told is known from the store alone."""
    for minute in minutes:
        alerting(ledger, notifier, verdicts).tick(NOON + minute * MINUTE)


def test_what_changes_together_is_one_message_for_people(ledger, receiver):
    tick(ledger, Slack(receiver.url), slow(7), 0, 1, 2, 3)
    (told,) = texts(receiver)
    assert "FIRING latency regression: 7 places" in told
    assert all(f"openai / s{one}: " in told for one in range(7))
    assert len(ledger.rows("notifications")) == 7
    tick(ledger, Slack(receiver.url), [], 10, 11, 12)
    assert len(receiver.received) == 2
    assert "RESOLVED latency regression: 7 places" in texts(receiver)[1]


def test_one_more_place_is_told_alone_and_repeats_come_together(ledger, receiver):
    tick(ledger, Slack(receiver.url), slow(3), 0, 1)
    tick(ledger, Slack(receiver.url), slow(4), 2, 3, 4)
    assert "latency regression: openai / s3" in texts(receiver)[1]
    tick(ledger, Slack(receiver.url), slow(4), 60, 239, 250)
    assert [f"{count} places" in text for count, text in zip((3, 4), texts(receiver)[::2], strict=True)] == [True, True]
    assert len(receiver.received) == 3


def test_machines_are_told_of_each(ledger, receiver):
    tick(ledger, Webhook(receiver.url), slow(3), 0, 1, 2)
    assert len(receiver.received) == 3


def test_an_outage_is_told_and_what_follows_from_it_is_not(ledger, receiver):
    tick(ledger, Slack(receiver.url), [OUTAGE, *slow(5)], 0, 1, 2)
    (told,) = texts(receiver)
    assert "provider outage: openai" in told
    assert len([row for row in ledger.rows("alerts") if row["state"] == "firing"]) == 6
    tick(ledger, Slack(receiver.url), slow(5), 10, 11, 12)
    assert ["provider outage" in text for text in texts(receiver)] == [True, True, False]
    assert "FIRING latency regression: 5 places" in texts(receiver)[2]


def alert(kind: str, unit: str = "failures", expected: float = 1.0, **labels: str) -> Alert:
    return Alert(
        rule=kind,
        kind=kind,
        labels=tuple(sorted(labels.items())),
        state="firing",
        since=NOON,
        last_failing=NOON,
        calls=1,
        seen=2.0,
        expected=expected,
        summary="",
        unit=unit,
    )


OPENAI = alert("provider_outage", provider="openai")
SILENCE = alert("ingest_silence", "calls")
RUNAWAY = alert("cost_runaway", "calls", service="a", feature="b", user="u")
OF_BOB = {"service": "a", "user": "bob"}
BOB = replace(alert("user_cost_runaway", "US dollars", **OF_BOB), seen=11.0)  # ten dollars too much
USED_UP = replace(alert("budget", "US dollars", 100.0, team="ml"), rule="budget of ml")


@pytest.mark.parametrize(
    ("by", "one", "mutes"),
    [
        (OPENAI, alert("failure_spike", provider="openai", service="a"), True),
        (OPENAI, alert("failure_spike", provider="anthropic", service="a"), False),
        (OPENAI, alert("burn_rate", service="a"), False),  # its service may use others too
        (OPENAI, alert("threshold", "failure_share", provider="openai"), True),
        (OPENAI, alert("threshold", "cost_usd", provider="openai"), False),
        (OPENAI, alert("validation_spike", provider="openai"), False),
        (SILENCE, alert("threshold", "calls"), True),
        (SILENCE, alert("budget", "US dollars"), False),
        (RUNAWAY, alert("traffic_surge", "calls", service="a", feature="b"), True),
        (RUNAWAY, alert("traffic_surge", "calls", service="a", feature="c"), False),
        (RUNAWAY, alert("user_cost_runaway", "US dollars", **OF_BOB), True),
        (RUNAWAY, alert("user_cost_runaway", "US dollars", service="b", user="bob"), False),
        (alert("failure_spike", service="a", model="m"), alert("user_failure_spike", **OF_BOB), True),
        (alert("failure_spike", service="a", model="m"), BOB, False),
        (OPENAI, alert("user_failure_spike", **OF_BOB), False),  # others there do not fail
        (BOB, alert("user_traffic_surge", "calls", **OF_BOB), True),
        (BOB, alert("user_traffic_surge", "calls", service="a", user="ada"), False),
        (BOB, replace(alert("spend_surge", "US dollars", team="ml"), seen=13.0), True),
        (BOB, replace(alert("spend_surge", "US dollars", team="ml"), seen=90.0), False),
        (USED_UP, alert("budget", "US dollars", 80.0, team="ml"), True),
        (USED_UP, alert("budget", "US dollars", 80.0, team="web"), False),
        (USED_UP, alert("budget", "US dollars", 120.0, team="ml"), False),
    ],
)
def test_what_follows_from_what(by, one, mutes):
    assert (inhibited([by, one]).get(one.fingerprint) == by.fingerprint) is mutes


def test_long_lists_are_cut_with_how_many_are_left_out():
    alerts = [alert("latency_regression", service=f"s{one}") for one in range(40)]
    (section,) = [one for one in message(*alerts)["attachments"][0]["blocks"] if one["type"] == "section"]
    assert "and 25 more" in section["text"]["text"]


def test_the_end_of_several_answers_the_mail_of_each():
    alerts = [replace(alert("latency_regression", service=name), state="resolved") for name in "ab"]
    mail = Smtp(urlsplit("smtp://localhost"), "from@example.com", ("to@example.com",))._message(alerts)
    assert [one.fingerprint in mail["References"] for one in alerts] == [True, True]
    assert mail["Subject"] == "RESOLVED latency regression: 2 places"
