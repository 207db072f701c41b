"""A disk that is full, read-only or gone, under the log."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest

from spanledger_collector import wal
from spanledger_collector.counters import Counters
from spanledger_collector.data_directory import open_directory
from spanledger_collector.listener import CannotStart
from spanledger_collector.model import NotStored
from spanledger_collector.wal import Limits, Log, disk

SOON = Limits(segment_age_s=0.01)


@contextmanager
def small_disk(path, size="1m"):
    """A file system of its own; skips where this user may not mount one."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(log, body):
    """Append until the disk refuses; how many were acknowledged."""
    for count in range(1000):
        answer = log.append(time.time_ns(), body)
        if refusal := answer.exception(10):
            assert (type(refusal), refusal.reason, refusal.retry_after_s > 0) == (NotStored, "disk", True)
            return count
    raise AssertionError("the disk never filled")


def bodies(log):
    log.seal()
    found = []
    while segment := log.take(0):
        found += [record.body for record in wal.records(segment.read())]
        log.discard(segment)
    return found


def test_a_full_disk_refuses_and_loses_nothing_it_had_acknowledged(tmp_path):
    with small_disk(tmp_path / "disk") as path:
        log = Log(path / "wal", SOON)
        acknowledged = fill(log, bytes(50_000))
        log.discard(log.take(10))
        log.append(time.time_ns(), b"room again").result(10)
        log.close()
        again = Log(path / "wal", SOON)
        kept = bodies(again)
        again.close()
    assert kept[-1] == b"room again"
    assert acknowledged > 10


def test_a_read_only_disk_is_named_at_the_start_with_the_remedy(tmp_path):
    with small_disk(tmp_path / "disk") as path:
        subprocess.run(["mount", "-o", "remount,ro", path], check=True)
        with ExitStack() as opened, pytest.raises(CannotStart, match=r"Read-only file system.*choose another one with"):
            open_directory(path / "data", SOON, Counters(), opened)


@pytest.mark.parametrize("code", [5, 28, 30, 122])  # EIO, ENOSPC, EROFS, EDQUOT
def test_whatever_a_sync_raises_is_no_acknowledgement(tmp_path, monkeypatch, code):
    log = Log(tmp_path / "wal", Limits(segment_age_s=3600))
    log.append(1, b"before").result(10)
    with monkeypatch.context() as broken:

        def fails(_):
            raise OSError(code, "broken")

        broken.setattr(wal.log, "sync", fails)
        with pytest.raises(NotStored, match="cannot write to"):
            log.append(2, b"refused").result(10)
    assert disk.sync is wal.log.sync
    log.append(3, b"after").result(10)
    assert bodies(log) == [b"before", b"after"]
    log.close()
