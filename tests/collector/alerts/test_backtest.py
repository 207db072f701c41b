"""The command on a file of calls: what is found is written, told in words, and what is wrong is named."""

import json
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spanledger_collector.alerts.call_file import CallFile
from spanledger_collector.alerts.command import main

START = datetime(2026, 3, 2)  # noqa: DTZ001 - files tell UTC without saying so


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Two quiet days of a call a minute; then twenty minutes of which two in three fail."""
    minutes = 2 * 24 * 60 + 20
    failed = [minute >= minutes - 20 and minute % 3 > 0 for minute in range(minutes)]
    table = pa.table(
        {
            "ts": [START + timedelta(minutes=minute, seconds=30) for minute in range(minutes)],
            "duration_ms": [900.0] * minutes,
            "service": ["search"] * minutes,
            "feature": ["answer"] * minutes,
            "provider": ["openai"] * minutes,
            "model": ["gpt-5"] * minutes,
            "status": ["error" if bad else "ok" for bad in failed],
            "error_type": ["timeout" if bad else "" for bad in failed],
        }
    )
    path = tmp_path_factory.mktemp("calls") / "calls.parquet"
    pq.write_table(table, path)
    return path


def test_what_would_have_fired_is_written_and_told(calls, tmp_path, capsys):
    events, out = tmp_path / "events.csv", tmp_path / "alerts.json"
    events.write_text("ts,service,type,note\n2026-03-03T23:58:00,search,deploy,v2\n")
    assert main(["alerts", "backtest", "--calls", str(calls), "--events", str(events), "--out", str(out)]) == 0
    (alert,) = json.loads(out.read_text())
    assert (alert["kind"], alert["group"]) == ("failure_spike", "search/answer/gpt-5")
    assert alert["dimension"] == {"error_type": "timeout"}
    assert "2026-03-04T00:05:00" <= alert["detected_at"] <= "2026-03-04T00:10:00"
    assert alert["preceded_by"] == ["2026-03-03 23:58 UTC: deploy v2"]
    assert "failure_spike would have fired once" in capsys.readouterr().out


@pytest.mark.parametrize("column", ["service_version", "release"])
def test_versions_of_a_file_are_those_most_calls_of_a_bucket_tell_of(calls, tmp_path, column):
    table = pq.read_table(calls).slice(0, 10)
    versions = pa.array(["1", "2", "2", "1", "1", "3", "3", "", "3", "3"])
    pq.write_table(table.append_column(column, versions), tmp_path / "versions.parquet")
    buckets = list(CallFile(tmp_path / "versions.parquet").buckets())
    assert [list(one.versions) for one in buckets[:3]] == [["1"], ["3"]]
    assert [list(one.versions) for one in CallFile(calls).buckets()][:1] == [[]]


def test_a_file_without_a_needed_column_is_refused(calls, tmp_path, capsys):
    path = tmp_path / "short.parquet"
    pq.write_table(pq.read_table(calls).drop_columns(["model"]), path)
    assert main(["alerts", "backtest", "--calls", str(path)]) == 1
    assert "has no column 'model'" in capsys.readouterr().err


def test_a_channel_that_is_not_configured_is_named(capsys, monkeypatch):
    monkeypatch.setenv("SPANLEDGER_ALERT_WEBHOOK", "http://127.0.0.1:9/hook")
    assert main(["alerts", "test", "slack"]) == 1
    assert "channel 'slack' is not configured; configured are webhook" in capsys.readouterr().err


def test_own_rules_are_tried_on_the_ledger_only(calls, tmp_path, capsys):
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "mine"\nkind = "budget"\nusd = 5\n')
    assert main(["alerts", "backtest", "--calls", str(calls), "--rules", str(rules)]) == 1
    assert "leave --calls out" in capsys.readouterr().err
    assert main(["alerts", "backtest", "--api", "http://127.0.0.1:9", "--rules", str(rules)]) == 1
    assert "no collector answers at http://127.0.0.1:9" in capsys.readouterr().err
