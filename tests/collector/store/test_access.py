"""Many threads, one store: reads beside writes, bounded reads, and readers that cannot write."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.collector.store.segment_writer import PER_SEGMENT, segment

from spanledger_collector.api.workers import THREADS
from spanledger_collector.store import QueryRefused

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


def test_reads_and_writes_of_many_threads_all_succeed(store):
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(store.write, number, *segment(number)) for number in range(20)]
        reads = [pool.submit(store.query, "SELECT count() AS n FROM calls") for _ in range(40)]
        assert all(0 <= read.result().column("n")[0].as_py() <= 20 * PER_SEGMENT for read in reads)
        assert sum(write.result().calls for write in writes) == 20 * PER_SEGMENT
    assert store.size()["calls"].rows == 20 * PER_SEGMENT


def test_as_many_slow_reads_as_pages_can_ask_hold_up_neither_writes_nor_other_reads(store):
    """However slow the machine: what waits for the slow reads does so at any length of them."""
    assert any(_others_end_first(store, attempt, seconds) for attempt, seconds in enumerate((5, 20, 80), start=1))


def _others_end_first(store, number, seconds):
    outcome = []

    def slow():
        with pytest.raises(QueryRefused) as refused:
            store.query(f"{ENDLESS} SETTINGS max_execution_time = {seconds}, max_threads = 1")
        outcome.append(refused.value.limit)

    with ThreadPoolExecutor(THREADS) as pages:
        for _ in range(THREADS):
            pages.submit(slow)
        calls, spans = segment(number)
        store.write(number, calls, spans)
        assert len(store.known([(span.trace_id, span.span_id) for span in spans], 99)) == PER_SEGMENT
        ended_first = not outcome
    assert outcome == ["time"] * THREADS
    return ended_first


def test_a_reader_that_was_refused_reads_on(store):
    for _ in range(6):  # more often than there are readers
        with pytest.raises(QueryRefused, match="rows"):
            store.query("SELECT number FROM numbers(1000000)")
    assert store.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]


@pytest.mark.parametrize(
    "sql", ["TRUNCATE TABLE calls", "INSERT INTO calls_hourly (calls) VALUES (1)", "SELECT 1 SETTINGS readonly = 0"]
)
def test_a_read_cannot_change_anything(store, sql):
    store.write(1, *segment(1))
    with pytest.raises(DatabaseError, match="readonly"):
        store.query(sql)
    assert store.size()["calls"].rows == PER_SEGMENT


def test_what_a_placeholder_is_given_is_never_read_as_sql(store):
    hostile = "'; DROP TABLE calls; --\\"
    answer = store.query(
        "SELECT {text:String} AS said, {texts:Array(String)} AS list", {"text": hostile, "texts": [hostile]}
    )
    assert answer.to_pylist() == [{"said": hostile, "list": [hostile]}]


def test_size_names_every_table_with_rows_and_bytes(store):
    store.write(1, *segment(1))
    size = store.size()
    assert {"calls", "calls_hourly", "spans", "schema_migrations"} <= set(size)
    assert size["spans"].rows == PER_SEGMENT
    assert size["spans"].bytes > 0
