"""Rows go when the settings say so, and stay when they do not."""

from __future__ import annotations

import time

import pytest
from tests.collector.store.segment_writer import segment
from tests.support.calls import make_call, make_span

from spanledger_collector.model import Usage
from spanledger_collector.settings import MAX_KEEP_DAYS
from spanledger_collector.store import Keep
from spanledger_collector.store.retention import CALLS, SPANS

OLD_NS = time.time_ns() - 400 * 86_400 * 10**9


@pytest.fixture(autouse=True)
def for_ever(store):
    yield
    store.keep(Keep())


def rows(store):
    for table in (*SPANS, *CALLS):
        store._writer.command(f"OPTIMIZE TABLE {table} FINAL")
    return {table: size.rows for table, size in store.size().items() if table in {*SPANS, *CALLS}}


def fill(store):
    """An old span and call, and a new one of each."""
    for number, at in enumerate((OLD_NS, time.time_ns())):
        call = make_call(Usage(1), start_ns=at, span_id=bytes([number]) * 8)
        store.write(number, [call], [make_span({}, start_ns=at, end_ns=at, span_id=call.span_id)])


def test_nothing_goes_by_default(store):
    fill(store)
    store.keep(Keep())
    held = rows(store)
    assert (held["spans"], held["calls"], held["calls_hourly"]) == (2, 2, 2)


def test_spans_go_after_their_days_and_the_ledger_stays(store):
    store.keep(Keep(spans_days=30))
    fill(store)
    held = rows(store)
    assert (held["spans"], held["calls"], held["calls_hourly"]) == (1, 2, 2)


def test_calls_go_with_their_rollup(store):
    store.keep(Keep(calls_days=365))
    fill(store)
    held = rows(store)
    assert (held["spans"], held["calls"], held["calls_hourly"]) == (2, 1, 1)


def test_the_same_setting_again_alters_nothing_and_a_removed_one_keeps(store):
    store.keep(Keep(30, 365))
    altered = []
    command, store._writer.command = store._writer.command, altered.append
    try:
        store.keep(Keep(30, 365))
    finally:
        store._writer.command = command
    assert not altered
    store.keep(Keep())
    fill(store)
    assert rows(store)["spans"] == 2


def test_a_segment_is_written_as_ever(store):
    store.keep(Keep(MAX_KEEP_DAYS, MAX_KEEP_DAYS))
    store.write(1, *segment(1))
    store.write(1, *segment(1))
    assert rows(store)["calls"] == 40
