"""The ledger's disk: told before it is full, once, with when it will be."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from spanledger_collector.counters import Counters
from spanledger_collector.disk import GIB, Disk

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)


def looked(tmp_path, sizes_gib, budget_gib=10):
    """The disk after one look an hour at these sizes."""
    sizes = iter([int(size * GIB) for size in sizes_gib])
    counters = Counters()
    disk = Disk(tmp_path, budget_gib * GIB, lambda: next(sizes), counters)
    for hour in range(len(sizes_gib)):
        disk.tick(NOON + timedelta(hours=hour))
    return disk, counters


def test_nothing_is_said_below_four_fifths_of_the_budget(tmp_path, caplog):
    disk, _ = looked(tmp_path, [1, 7.9])
    assert (disk.warning(), caplog.records) == ("", [])


def test_it_is_told_once_with_the_days_left_and_the_remedy(tmp_path, caplog):
    disk, counters = looked(tmp_path, [7, 8, 8.5, 9])
    (record,) = caplog.records
    assert "take 8.00 of their 10.00 GiB, at this growth used up in 0.1 days" in record.message
    assert "--keep-spans" in record.message
    told = disk.describe()
    assert (told["used_bytes"], told["budget_bytes"]) == (9 * GIB, 10 * GIB)
    assert told["days_left"] == (1 / (2 / 3)) / 24
    assert "spanledger_disk_used_bytes 9.66368e+09" in counters.render()


def test_it_is_told_again_after_it_was_well(tmp_path, caplog):
    looked(tmp_path, [9, 1, 9])
    assert len(caplog.records) == 2


def test_without_a_budget_or_growth_no_day_is_named(tmp_path):
    assert looked(tmp_path, [9, 9, 9], budget_gib=0)[0].describe()["days_left"] is None
    assert looked(tmp_path, [9, 8])[0].describe()["days_left"] is None


def test_a_full_file_system_is_told_without_a_budget(tmp_path, monkeypatch):
    disk, _ = looked(tmp_path, [1], budget_gib=0)
    monkeypatch.setattr(disk, "_free", lambda: (GIB, 100 * GIB))
    assert "has 1.00 GiB left of 100.00" in disk.warning()
