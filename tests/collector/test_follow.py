"""A table that another collector fills is read in place: each row once, also late ones, also over a restart."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

import clickhouse_connect
import pytest
from tests.collector.test_backfill_command import COLUMNS, MAP, ROW, TABLE
from tests.support.clickhouse_facade import facade
from tests.support.collector import start_collector

from spanledger_collector import otlp
from spanledger_collector.counters import Counters
from spanledger_collector.follow import Follower
from spanledger_collector.model import NotStored
from spanledger_collector.settings import BadSetting, Settings

NOW = datetime(2026, 11, 2, 12, 30, tzinfo=timezone.utc)


@pytest.fixture
def source(tmp_path):
    with facade(tmp_path / "source") as dsn:
        client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
        client.command(TABLE.format(name="otel_traces", attributes=MAP))
        client.command(ROW)
        yield dsn, client
        client.close()


class Log:
    """Keeps what it is given, or has no room."""

    def __init__(self):
        self.bodies, self.full = [], False

    def append(self, received_ns, body, signal):
        if self.full:
            raise NotStored("full", "the log is full", 1.0)
        self.bodies.append(body)
        return self

    def result(self, timeout_s):
        return None

    @property
    def spans(self):
        return [span.span_id for body in self.bodies for span in otlp.decode(body, time.time_ns())]


def insert(client, hours_before, number):
    """A row of a span that began so long before the first ones."""
    client.command(
        f"INSERT INTO otel_traces {COLUMNS} SELECT Timestamp - INTERVAL {int(hours_before * 3600)} SECOND, TraceId,"
        f" hex({number} + 2000000000000000000), ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,"
        " ScopeName, SpanAttributes, Duration, StatusCode, StatusMessage, [], [], []"
        " FROM otel_traces ORDER BY Timestamp LIMIT 1"
    )


def test_what_is_read_is_kept_first_and_then_marked(source, tmp_path):
    dsn, client = source
    log, counters, mark = Log(), Counters(), tmp_path / "followed.json"
    follower = Follower(dsn, log.append, lambda: True, counters, mark)
    log.full = True
    follower.tick(NOW)
    assert not mark.exists()
    log.full = False
    follower.tick(NOW)
    assert len(set(log.spans)) == 2
    assert json.loads(mark.read_text())["until_ns"] == 1_793_620_801_000_000_007
    insert(client, 0.9, 1)
    Follower(dsn, log.append, lambda: True, counters, mark).tick(NOW)
    assert len(set(log.spans)) == 3
    assert counters.total("spanledger_spans_followed_total") == len(log.spans)


def test_another_table_is_read_from_its_beginning(source, tmp_path):
    dsn, _ = source
    log, mark = Log(), tmp_path / "followed.json"
    mark.write_text(json.dumps({"source": "elsewhere", "until_ns": 2**62}))
    Follower(dsn, log.append, lambda: True, Counters(), mark).tick(NOW)
    assert len(log.spans) == 2


def test_a_log_without_room_is_left_to_those_who_send(source, tmp_path):
    log = Log()
    Follower(source[0], log.append, lambda: False, Counters(), tmp_path / "mark").tick(NOW)
    assert log.bodies == []


def test_a_clock_that_is_ahead_does_not_move_the_mark_past_now(source, tmp_path):
    dsn, _ = source
    mark = tmp_path / "followed.json"
    Follower(dsn, Log().append, lambda: True, Counters(), mark).tick(
        datetime(2026, 11, 2, 12, 0, 0, tzinfo=timezone.utc)
    )
    assert json.loads(mark.read_text())["until_ns"] == 1_793_620_800 * 10**9


def test_the_ledger_has_each_row_once_with_its_price_over_a_restart(source, tmp_path):
    dsn, client = source
    follow = {"SPANLEDGER_FOLLOW": dsn}
    collector = start_collector(tmp_path / "data", env=follow)
    try:
        assert collector.wait_for_calls(2)["calls"] == 2
    finally:
        collector.kill()
    insert(client, 0.5, 1)
    collector = start_collector(tmp_path / "data", env=follow)
    try:
        assert collector.wait_for_calls(3)["calls"] == 3
        totals = collector.rows("totals")[0]
        assert (totals["calls"], totals["cost_usd"]) == (3, "0.0084")
    finally:
        assert collector.stop() == 0


@pytest.mark.parametrize("follow", ["clickhouse://x", "https://x/db#a b", "otel_traces"])
def test_an_address_that_is_none_is_told(follow, tmp_path):
    with pytest.raises(BadSetting, match="--follow is no address of a table"):
        Settings(tmp_path, "chdb:///x", follow=follow).check()


def test_a_sidecar_follows_nothing(tmp_path):
    with pytest.raises(BadSetting, match="--follow reads into the ledger"):
        Settings(tmp_path, "chdb:///x", follow="http://x/otel", agent=True, forward="http://y").check()
