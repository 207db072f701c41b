"""A store of every earlier schema, with rows in it, becomes today's: the same tables as a new one, no row lost."""

from __future__ import annotations

import pytest
from tests.collector.store.segment_writer import PER_SEGMENT, segment
from tests.support.ledger import open_ledger

from spanledger_collector.store.migration import migrate, shipped

ROWS = 60
# Only what the first schema had: that is what the oldest store holds.
CALLS = f"""
INSERT INTO calls (segment, start, trace_id, span_id, service, model, outcome, attempts, usage_grade, input_tokens,
    uncached_input_tokens, output_tokens, cost, cost_input, cost_grade, tags)
SELECT 7, toDateTime64('2026-10-31 23:30:00', 9, 'UTC') + number * 60, toString(number), toString(number), 'shop', 'm',
    'ok', 1, 'measured', 10, 10, 5, if(number % 3 = 0, NULL, toDecimal128('0.001', 18)), 0,
    if(number % 3 = 0, 'unknown', 'measured'), map('team', 'core')
FROM numbers({ROWS}) SETTINGS throw_on_max_partitions_per_insert_block = 0"""
SPANS = f"""
INSERT INTO spans (segment, start, trace_id, span_id, service, name, attributes)
SELECT 7, toDateTime64('2026-10-31 23:30:00', 9, 'UTC') + number * 60, toString(number), toString(number), 'shop',
    'chat', map('spanledger.outcome', 'ok', 'spanledger.logical.ordinal', toString(1 + number % 2))
FROM numbers({ROWS})"""
ALERT = (
    "INSERT INTO alerts (fingerprint, since, rule, state, seen) VALUES ('f', now64(6), 'failure-spike', 'firing', 3)"
)
FINDING = "INSERT INTO findings (id, updated, detector, money_usd) VALUES ('f', now64(6), 'retries', 1.25)"
COLUMNS = """
SELECT table, name, type, default_expression, compression_codec, is_in_sorting_key FROM system.columns
WHERE database = currentDatabase() ORDER BY table, position"""
OTHERS = """
SELECT name, engine, partition_key, sorting_key FROM system.tables WHERE database = currentDatabase() ORDER BY name"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    yield from open_ledger(tmp_path_factory.mktemp("upgrade"))


@pytest.fixture(scope="module")
def today(ledger):
    return described(ledger)


def described(ledger):
    return [ledger.store._writer.query(sql).result_rows for sql in (COLUMNS, OTHERS)]


def as_of(ledger, count):
    """The store with the first `count` migrations alone, and rows."""
    writer = ledger.store._writer
    names = writer.query("SELECT name, engine FROM system.tables WHERE database = currentDatabase()").result_rows
    for name, _ in sorted(names, key=lambda each: each[1] != "MaterializedView"):
        writer.command(f"DROP TABLE {name} SYNC")
    migrate(writer, "here", shipped()[:count])
    for statement in (CALLS, SPANS, *((ALERT, FINDING) if count > 1 else ())):
        writer.command(statement)


def notes(ledger):
    """How many calls that were told to be repeats, and how many rows tell of them."""
    told = ledger.store.query("SELECT count() AS n, uniqExact(trace_id, span_id) AS calls FROM call_notes")
    return [told["n"][0].as_py(), told["calls"][0].as_py()]


@pytest.mark.usefixtures("today")
def test_notes_of_before_are_there_once_however_often_the_migration_runs(ledger):
    without = next(place for place, one in enumerate(shipped()) if one.name == "call_notes")
    as_of(ledger, without)
    writer = ledger.store._writer
    for _ in range(3):
        migrate(writer, "here", shipped())
        assert notes(ledger) == [ROWS // 2, ROWS // 2]
        writer.command("ALTER TABLE schema_migrations DELETE WHERE version = 26 SETTINGS mutations_sync = 1")


@pytest.mark.parametrize("count", range(1, len(shipped()) + 1), ids=lambda count: f"{shipped()[count - 1].version:04}")
def test_a_store_of_an_earlier_schema_is_brought_up_to_date(ledger, today, count):
    as_of(ledger, count)
    migrate(ledger.store._writer, "here", shipped())
    assert described(ledger) == today
    (totals,) = ledger.rows("totals", from_="2026-10-01T00:00:00Z", to="2026-12-01T00:00:00Z")
    assert (totals["calls"], totals["unpriced_calls"], str(totals["cost_usd"])) == (ROWS, 20, "0.040000000000000000")
    if count > 1:
        kept = ledger.store.query("SELECT rule, toFloat64(seen) AS seen FROM alerts").to_pylist()
        assert kept == [{"rule": "failure-spike", "seen": 3.0}]
    assert notes(ledger) == [ROWS // 2, ROWS // 2]
    for _ in range(2):
        ledger.store.write(1, *segment(1))
    raw = ledger.store.query("SELECT count() AS n FROM calls")["n"][0].as_py()
    rolled = ledger.store.query("SELECT sum(calls) AS n FROM calls_hourly")["n"][0].as_py()
    assert (raw, rolled) == (ROWS + PER_SEGMENT, ROWS + PER_SEGMENT)
