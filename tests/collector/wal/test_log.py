"""Appending, sealing, bounding and re-opening a real log directory."""

import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from spanledger_collector.model import NotStored
from spanledger_collector.wal import Limits, Log, LogOwned, records

SOON = Limits(segment_age_s=0.01)
NEVER = Limits(segment_age_s=3600)


@pytest.fixture
def open_log(tmp_path):
    opened = []

    def make(limits=SOON):
        opened.append(Log(tmp_path / "wal", limits))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


def append(log, *bodies):
    for future in [log.append(1, body) for body in bodies]:
        future.result(10)


def flat(segments):
    return [body for segment in segments for body in segment]


def drain(log):
    """The bodies of every segment that is ready, segment by segment."""
    found = []
    while segment := log.take(1 if not found else 0.1):
        found.append([record.body for record in records(segment.read())])
        log.discard(segment)
    return found


def test_what_is_appended_comes_out_sealed_in_order(open_log):
    log = open_log()
    append(log, b"one", b"two")
    log.seal()
    assert flat(drain(log)) == [b"one", b"two"]


def test_a_segment_is_sealed_by_age_without_further_records(open_log):
    log = open_log(SOON)
    append(log, b"alone")
    assert log.take(10) is not None


def test_a_segment_is_sealed_by_size(open_log):
    log = open_log(Limits(segment_bytes=100, segment_age_s=3600))
    append(log, bytes(60), bytes(60))
    assert log.take(10) is not None


def test_while_the_store_is_busy_a_segment_grows(open_log):
    log = open_log(SOON)
    append(log, b"first")
    being_written = log.take(10)
    append(log, b"second")
    assert log.take(0.1) is None
    log.give_back(being_written)
    log.seal()
    assert drain(log) == [[b"first"], [b"second"]]


def test_records_survive_a_restart_in_a_segment_of_the_same_id(open_log):
    log = open_log(NEVER)
    append(log, b"kept")
    log.close()
    again = open_log()
    segment = again.take(1)
    assert [record.body for record in records(segment.read())] == [b"kept"]


def test_ids_rise_even_when_the_clock_steps_back(open_log, monkeypatch):
    log = open_log()
    append(log, b"before")
    log.seal()
    first = log.take(1)
    log.discard(first)
    log.close()
    monkeypatch.setattr("time.time_ns", lambda: 5)
    again = open_log()
    append(again, b"after")
    assert again.take(10).id > first.id


def test_two_logs_cannot_share_a_directory(open_log, tmp_path):
    open_log()
    with pytest.raises(LogOwned, match=r"wal is in use by another collector \(process \d+\): stop it, or .* --data"):
        Log(tmp_path / "wal")


def test_a_full_log_refuses_and_takes_again_once_a_segment_is_gone(open_log):
    log = open_log(Limits(segment_age_s=0.01, total_bytes=200))
    append(log, bytes(150))
    with pytest.raises(NotStored, match="limit of 200 bytes"):
        log.append(1, bytes(150))
    log.discard(log.take(10))
    append(log, bytes(150))


def test_many_senders_share_the_fsync_and_each_record_is_there_once(open_log):
    log = open_log(NEVER)
    bodies = [index.to_bytes(4, "big") for index in range(500)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda body: append(log, body), bodies))
    log.seal()
    assert sorted(flat(drain(log))) == bodies


def test_a_sender_that_goes_away_does_not_stop_the_writer(open_log):
    log = open_log(NEVER)
    log.append(1, b"left").cancel()
    append(log, b"stayed")
    log.seal()
    assert flat(drain(log)) == [b"left", b"stayed"]


@contextmanager
def largest_file(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_error_refuses_the_request_and_loses_nothing_before_or_after(open_log):
    log = open_log(NEVER)
    append(log, b"before")
    with largest_file(4096), pytest.raises(NotStored, match="cannot write to"):
        append(log, bytes(8192))
    append(log, b"after")
    log.seal()
    assert flat(drain(log)) == [b"before", b"after"]
    assert log.queued_bytes == 0


def test_a_closing_log_refuses(open_log):
    log = open_log()
    log.seal()
    with pytest.raises(NotStored, match="shutting down"):
        log.append(1, b"late")


def test_closing_leaves_no_thread(open_log):
    open_log().close()
    assert "spanledger-log" not in [thread.name for thread in threading.enumerate()]
