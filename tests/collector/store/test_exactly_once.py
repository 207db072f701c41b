"""A segment written again, wholly or after a kill in the middle, is in every table once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.collector.store.segment_writer import PER_SEGMENT, segment

ROOT = Path(__file__).parents[3]


def writer(path, first, last, *death):
    command = [sys.executable, "-m", "tests.collector.store.segment_writer", str(path), str(first), str(last), *death]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def written(path, first, last):
    lines = writer(path, first, last).communicate(timeout=60)[0].splitlines()
    return json.loads(lines[-1])


def expected(segments):
    calls = segments * PER_SEGMENT
    money = {"calls": calls, "cost": f"{calls / 1000:g}"}
    return {"raw": money | {"ids": calls}, "rolled": money, "spans": {"spans": calls, "ids": calls}}


def held(store):
    raw = store.query("SELECT count() AS n, sum(cost) AS money FROM calls").to_pylist()[0]
    rolled = store.query("SELECT sum(calls) AS n, sum(cost) AS money FROM calls_hourly").to_pylist()[0]
    return raw, rolled, store.query("SELECT count() AS n FROM spans").to_pylist()[0]["n"]


@pytest.mark.parametrize("inserts", [1, 2, 3])
def test_a_process_killed_between_two_inserts_leaves_nothing_out_and_nothing_twice(tmp_path, inserts):
    dying = writer(tmp_path / "store", 1, 2, str(inserts))
    assert dying.wait(60) == -9
    assert written(tmp_path / "store", 1, 2) == expected(1)


def test_a_process_killed_anywhere_leaves_nothing_out_and_nothing_twice(tmp_path):
    dying = writer(tmp_path / "store", 1, 10_000)
    reached = [int(dying.stdout.readline()) for _ in range(12)][-1]
    dying.kill()
    reached = max([reached, *map(int, dying.communicate()[0].split())])
    assert written(tmp_path / "store", 1, reached + 2) == expected(reached + 1)  # one was under way


def test_a_rollup_that_missed_a_block_gets_it_from_the_replay(store):
    view = store._writer.command("SHOW CREATE TABLE calls_hourly_view", settings={"describe_compact_output": 0})
    store._writer.command("DROP TABLE calls_hourly_view")
    store.write(7, *segment(7))
    store._writer.command(str(view).replace("\\n", "\n").replace("\\'", "'"))
    store.write(7, *segment(7))
    raw, rolled, spans = held(store)
    assert raw == rolled
    assert raw["n"] == spans == PER_SEGMENT


def test_the_same_records_in_another_segment_are_other_rows(store):
    store.write(8, *segment(8))
    store.write(9, *segment(8))
    raw, rolled, _ = held(store)
    assert raw == rolled
    assert raw["n"] == 2 * PER_SEGMENT


def test_only_what_another_segment_stored_is_known(store):
    calls, spans = segment(10)
    ids = [(span.trace_id, span.span_id) for span in spans]
    store.write(10, calls, spans)
    assert store.known(ids, 10) == set()
    assert store.known([*ids, (b"n" * 16, b"n" * 8)], 11) == set(ids)
    assert store.known([], 11) == set()


def test_the_same_span_id_in_another_trace_is_not_known(store):
    calls, spans = segment(12)
    store.write(12, calls, spans)
    assert store.known([(b"n" * 16, spans[0].span_id)], 13) == set()


def test_known_looks_only_between_the_given_starts(store):
    calls, spans = segment(14)
    store.write(14, calls, spans)
    starts = sorted(span.start_ns for span in spans)
    ids = [(span.trace_id, span.span_id) for span in spans]
    assert store.known(ids, 15, between=(starts[0], starts[-1])) == set(ids)
    assert len(store.known(ids, 15, between=(starts[-1], starts[-1]))) == PER_SEGMENT // 2
