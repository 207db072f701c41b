"""Each channel against a server on loopback that speaks its protocol: what is sent, and what is worth trying again."""

import json
import socketserver
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email import message_from_string

import pytest
from tests.collector.alerts.receiver import listen

from spanledger_collector.alerts.notify import configured
from spanledger_collector.alerts.notify.alertmanager import Alertmanager
from spanledger_collector.alerts.notify.pagerduty import PagerDuty
from spanledger_collector.alerts.notify.slack import Slack
from spanledger_collector.alerts.notify.smtp import from_environment as smtp
from spanledger_collector.alerts.state import Alert

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
FIRING = Alert(
    rule="provider_outage",
    kind="provider_outage",
    labels=(("error_type", "timeout"), ("provider", "openai")),
    state="firing",
    since=NOON,
    fired_at=NOON,
    last_failing=NOON,
    calls=60,
    seen=41,
    expected=0.3,
    summary="41 of 60 calls <failed> & more",
    basis="most busy cells fail",
    errors=(("timeout (504)", 41),),
    trace_ids=("0af7651916cd43dd8448eb211c80319c",),
    cost_usd=Decimal("1.25"),
    owner="ada",
    runbook_url="https://wiki.example.com/llm",
)
RESOLVED = replace(FIRING, state="resolved", resolved_at=NOON + timedelta(minutes=30))

receiver = pytest.fixture(listen)


def sent(receiver, number: int = -1):
    return json.loads(receiver.received[number].body)


def root(receiver) -> str:
    return receiver.url.removesuffix("/hook")


def test_slack_is_sent_blocks_with_everything_escaped(receiver):
    assert Slack(receiver.url).send(FIRING).ok
    body = sent(receiver)
    header, section = body["attachments"][0]["blocks"]
    assert header["text"]["text"] == "FIRING provider outage: timeout / openai"
    assert "41 of 60 calls &lt;failed&gt; &amp; more" in section["text"]["text"]
    for part in ("timeout (504) 41", "$1.2500", "0af7651916cd43dd8448eb211c80319c", "ada", "wiki.example.com"):
        assert part in section["text"]["text"]


def test_pagerduty_opens_and_closes_one_incident(receiver):
    channel = PagerDuty(root(receiver), "key")
    assert channel.send(FIRING).ok
    assert channel.send(RESOLVED).ok
    opened, closed = sent(receiver, 0), sent(receiver, 1)
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"]
    assert opened["routing_key"] == "key"
    assert opened["payload"]["severity"] == "critical"
    assert opened["payload"]["custom_details"]["seen"] == 41


def test_alertmanager_holds_an_alert_until_well_after_it_is_told_again(receiver):
    channel = Alertmanager(root(receiver))
    assert channel.send(FIRING).ok
    assert channel.send(RESOLVED).ok
    (firing,), (resolved,) = sent(receiver, 0), sent(receiver, 1)
    assert firing["labels"] == {
        "alertname": "provider_outage",
        "provider": "openai",
        "error_type": "timeout",
        "owner": "ada",
    }
    assert datetime.fromisoformat(firing["endsAt"]) >= NOON + timedelta(hours=5)
    assert resolved["endsAt"] == RESOLVED.resolved_at.isoformat()
    assert firing["startsAt"] == resolved["startsAt"]


@pytest.mark.parametrize("make", [Slack, Alertmanager, lambda url: PagerDuty(url, "key")])
@pytest.mark.parametrize(("status", "retryable"), [(429, True), (500, True), (400, False), (403, False), (302, False)])
def test_what_is_worth_trying_again(receiver, make, status, retryable):
    receiver.answers = [status]
    delivery = make(root(receiver)).send(FIRING)
    assert (delivery.ok, delivery.retryable) == (False, retryable)
    assert str(status) in delivery.detail


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks SMTP to one client at a time and answers RCPT with the code it is given."""

    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.receiver_code = 250
        super().__init__(("127.0.0.1", 0), MailHandler)


class MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                self.server.mails.append(self.read_mail())
            self.say({"RCPT": f"{self.server.receiver_code} receiver", "QUIT": "221 bye"}.get(verb, "250 fine"))

    def read_mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server():
    server = MailServer()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def mail_to(server):
    url = f"smtp://127.0.0.1:{server.server_address[1]}"
    names = ("SPANLEDGER_ALERT_SMTP", "SPANLEDGER_ALERT_SMTP_FROM", "SPANLEDGER_ALERT_SMTP_TO")
    return smtp(dict(zip(names, (url, "ledger@example.com", "ada@example.com, bob@example.com"), strict=True)))


def test_mails_of_an_incident_are_one_thread(mail_server):
    channel = mail_to(mail_server)
    assert channel.send(FIRING).detail == "taken for 2 of 2 receivers"
    assert channel.send(RESOLVED).ok
    first, second = (message_from_string(mail) for mail in mail_server.mails)
    assert first["Subject"] == "FIRING provider outage: timeout / openai"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert "41 of 60 calls" in first.get_payload()


@pytest.mark.parametrize(("code", "retryable"), [(450, True), (550, False)])
def test_a_refused_receiver_is_tried_again_only_when_the_server_says_later(mail_server, code, retryable):
    mail_server.receiver_code = code
    delivery = mail_to(mail_server).send(FIRING)
    assert (delivery.ok, delivery.retryable) == (False, retryable)


def test_a_mail_server_that_is_away_is_tried_again(mail_server):
    channel = mail_to(mail_server)
    mail_server.shutdown()
    mail_server.server_close()
    assert channel.send(FIRING).retryable


def test_every_channel_is_configured_by_its_variables():
    environment = {
        "SPANLEDGER_ALERT_WEBHOOK": "http://127.0.0.1/a",
        "SPANLEDGER_ALERT_SLACK_WEBHOOK": "http://127.0.0.1/b",
        "SPANLEDGER_ALERT_SMTP": "smtp://127.0.0.1",
        "SPANLEDGER_ALERT_SMTP_FROM": "ledger@example.com",
        "SPANLEDGER_ALERT_SMTP_TO": "ada@example.com",
        "SPANLEDGER_ALERT_PAGERDUTY_KEY": "key",
        "SPANLEDGER_ALERT_ALERTMANAGER": "http://127.0.0.1:9093",
    }
    names = [channel.name for channel in configured(environment)]
    assert names == ["webhook", "slack", "smtp", "pagerduty", "alertmanager"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SPANLEDGER_ALERT_SLACK_WEBHOOK", "hooks.slack.com", "is not an http"),
        ("SPANLEDGER_ALERT_SMTP", "mail.example.com", "is not an address of a mail server"),
        ("SPANLEDGER_ALERT_SMTP", "smtp://mail.example.com", "SPANLEDGER_ALERT_SMTP_FROM is not"),
        ("SPANLEDGER_ALERT_ALERTMANAGER", "alertmanager:9093", "is not an http"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(name, value, text):
    with pytest.raises(ValueError, match=text):
        configured({name: value})


def test_apprise_is_asked_for_by_name_when_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"pip install 'spanledger\[apprise\]'"):
        configured({"SPANLEDGER_ALERT_APPRISE": "json://localhost"})


def test_apprise_tells_its_services(receiver):
    pytest.importorskip("apprise")
    address = root(receiver).replace("http://", "json://")
    (channel,) = configured({"SPANLEDGER_ALERT_APPRISE": address})
    assert channel.send(FIRING).ok
    assert sent(receiver)["title"] == "FIRING provider outage: timeout / openai"
    receiver.answers = [500]
    assert channel.send(FIRING).retryable
