"""`spanledger alerts` by hand: a channel is tried with a made-up alert and its end, one rule on the ledger."""

import json
from types import SimpleNamespace

import pytest
from tests.collector.alerts.receiver import listen

from spanledger_collector.alerts import command
from spanledger_collector.alerts.command import main

receiver = pytest.fixture(listen)


def test_a_channel_is_told_of_a_made_up_alert_and_its_end(receiver, capsys, monkeypatch):
    monkeypatch.setenv("SPANLEDGER_ALERT_WEBHOOK", receiver.url)
    assert main(["alerts", "test", "webhook"]) == 0
    firing, resolved = (json.loads(one.body) for one in receiver.received)
    assert (firing["state"], resolved["state"]) == ("firing", "resolved")
    assert firing["fingerprint"] == resolved["fingerprint"]
    assert capsys.readouterr().out.startswith("webhook: firing: ")


def test_a_channel_that_refuses_is_told_so(receiver, capsys, monkeypatch):
    monkeypatch.setenv("SPANLEDGER_ALERT_WEBHOOK", receiver.url)
    receiver.answers = [403]
    assert main(["alerts", "test", "webhook"]) == 1
    assert "403" in capsys.readouterr().out
    assert len(receiver.received) == 1


def test_one_built_in_rule_is_tried_on_the_ledger(ledger, capsys, monkeypatch):
    monkeypatch.setattr(command, "_ledger", lambda _: SimpleNamespace(ask=ledger.run))
    assert main(["alerts", "backtest", "--rule", "spend_surge", "--days", "1"]) == 0
    assert capsys.readouterr().out == "spend_surge would not have fired in 1 day\n"
    assert main(["alerts", "backtest", "--rule", "spend"]) == 1
    assert "no built-in rule 'spend'; there are" in capsys.readouterr().err
