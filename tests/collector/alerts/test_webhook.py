import hashlib
import hmac
import json
import socket
from datetime import datetime, timezone

import pytest
from tests.collector.alerts.receiver import listen

from spanledger_collector.alerts.notify import configured
from spanledger_collector.alerts.notify.webhook import Webhook
from spanledger_collector.alerts.state import Alert

ALERT = Alert(
    rule="failure-spike",
    labels=(("model", "gpt-5"), ("service", "shop")),
    state="firing",
    since=datetime(2026, 10, 5, 12, tzinfo=timezone.utc),
    last_failing=datetime(2026, 10, 5, 12, 2, tzinfo=timezone.utc),
    fired_at=datetime(2026, 10, 5, 12, 1, tzinfo=timezone.utc),
    calls=20,
    seen=10,
    expected=0.2,
    summary="10 of 20 calls failed",
    errors=(("RateLimitError (429)", 10),),
    trace_ids=("0af7651916cd43dd8448eb211c80319c",),
)

receiver = pytest.fixture(listen)


def test_what_is_sent_tells_the_incident(receiver):
    assert Webhook(receiver.url).send(ALERT).ok
    told = json.loads(receiver.received[0].body)
    assert (told["state"], told["rule"], told["labels"]) == (
        "firing",
        "failure-spike",
        {"model": "gpt-5", "service": "shop"},
    )
    assert (told["since"], told["resolved_at"]) == ("2026-10-05T12:00:00Z", None)
    assert (told["seen"], told["expected"]) == (10, 0.2)
    assert told["errors"] == [{"error": "RateLimitError (429)", "calls": 10}]
    assert told["trace_ids"] == ["0af7651916cd43dd8448eb211c80319c"]


def test_the_signature_is_over_the_bytes_sent(receiver):
    Webhook(receiver.url, "s3cret").send(ALERT)
    request = receiver.received[0]
    expected = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Spanledger-Signature"] == f"sha256={expected}"


def test_without_a_secret_nothing_claims_to_be_signed(receiver):
    Webhook(receiver.url).send(ALERT)
    assert "X-Spanledger-Signature" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 308])
def test_a_refusal_is_permanent(receiver, status):
    receiver.answers = [status]
    delivery = Webhook(receiver.url).send(ALERT)
    assert (delivery.ok, delivery.retryable) == (False, False)
    assert f"HTTP {status}" in delivery.detail
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_trouble_at_the_receiver_is_temporary(receiver, status):
    receiver.answers = [status]
    delivery = Webhook(receiver.url).send(ALERT)
    assert (delivery.ok, delivery.retryable) == (False, True)


def test_nobody_listening_is_temporary():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    delivery = Webhook(f"http://127.0.0.1:{port}/").send(ALERT)
    assert (delivery.ok, delivery.retryable) == (False, True)


def test_a_receiver_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        delivery = Webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.1).send(ALERT)
    assert (delivery.ok, delivery.retryable) == (False, True)


def test_no_setting_means_no_notifier():
    assert configured({}) == ()


def test_settings_give_a_signing_webhook(receiver):
    environment = {"SPANLEDGER_ALERT_WEBHOOK": receiver.url, "SPANLEDGER_ALERT_WEBHOOK_SECRET": "s3cret"}
    (webhook,) = configured(environment)
    assert webhook.send(ALERT).ok
    assert receiver.received[0].headers["X-Spanledger-Signature"].startswith("sha256=")


@pytest.mark.parametrize("url", ["hooks.example.com", "ftp://example.com/x", "http://", "http://host:port/"])
def test_an_address_that_cannot_work_is_named(url):
    with pytest.raises(ValueError, match=r"SPANLEDGER_ALERT_WEBHOOK=.*give one like"):
        configured({"SPANLEDGER_ALERT_WEBHOOK": url})
