"""What was stored outlives a power cut: parts are on the disk before a segment is let go, and merged ones before what
they replace."""

import pytest
from tests.support.ledger import open_ledger

SYNCED = ("fsync_after_insert = 1", "fsync_part_directory = 1", "min_rows_to_fsync_after_merge = 1")
TABLES = """SELECT name, create_table_query FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"""
SYNCS = "SELECT value FROM system.events WHERE event = 'FileSync'"


@pytest.fixture
def engine(tmp_path):
    for ledger in open_ledger(tmp_path):
        yield ledger.store._writer


def test_every_table_syncs_what_it_inserts_and_what_it_merges(engine):
    tables = dict(engine.query(TABLES).result_rows)
    assert "spans" in tables
    assert not {name: each for name in tables for each in SYNCED if each not in tables[name]}


def test_a_merge_syncs_its_part(engine):
    engine.command("SYSTEM STOP MERGES schema_migrations")
    for team in ("one", "two"):
        engine.command(f"INSERT INTO budgets (team) VALUES ('{team}')")
    before = engine.query(SYNCS).result_rows
    engine.command("OPTIMIZE TABLE budgets FINAL")
    assert engine.query("SELECT count() FROM system.parts WHERE table = 'budgets' AND active").result_rows == [(1,)]
    assert engine.query(SYNCS).result_rows > before
