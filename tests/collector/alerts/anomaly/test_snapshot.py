"""A restart goes on from the snapshot as if there had been none; what is not this edition's or damaged is not taken."""

import copy
import pickle
import random
import zlib
from datetime import timedelta

import numpy as np
import pytest

from spanledger_collector.alerts import snapshot as module
from spanledger_collector.alerts.anomaly.engine import nobody
from spanledger_collector.alerts.snapshot import Snapshot


def trouble(now, what):
    if now.hour in (12, 13, 18):
        what["failing"][0, 1] = 0.3
    if now.hour >= 15:
        what["tokens"][2] *= 1.5
        what["slow"][3] *= 1.8


def restarted(fleet, path):
    Snapshot(path, "store").write(fleet.engine)
    fleet.engine = Snapshot(path, "store").read().resumed(nobody)
    fleet.places = fleet.engine.places


def told(incidents):
    return [(one.signal, one.since, one.detected) for one in incidents]


@pytest.mark.parametrize("seed", range(3))
def test_restarts_at_any_moments_change_nothing(grown, tmp_path, seed):
    chance = random.Random(seed)
    whole, broken = copy.deepcopy(grown), copy.deepcopy(grown)
    expected, found = whole.run(0.5, trouble), []
    while broken.now < whole.now:
        steps = min(chance.randint(1, 60), (whole.now - broken.now) // timedelta(minutes=5))
        found += broken.run(steps / 288, trouble)
        restarted(broken, tmp_path / "kept")
    assert told(found) == told(expected) != []
    hours = [list(one.engine.trail.points(1, one.now - timedelta(days=1), one.now)) for one in (whole, broken)]
    np.testing.assert_equal(*hours)
    assert broken.engine.incidents.active.keys() == whole.engine.incidents.active.keys()


def test_another_store_another_edition_and_a_damaged_file_are_not_taken(fleet, tmp_path, monkeypatch):
    path = tmp_path / "kept"
    Snapshot(path, "store").write(fleet.engine)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Snapshot(path, "another").read() is None
    monkeypatch.setattr(module.np, "__version__", "0.1")
    assert Snapshot(path, "store").read() is None
    monkeypatch.undo()
    whole = path.read_bytes()
    for damaged in (whole[:-1], b"", whole[:70] + bytes([whole[70] ^ 1]) + whole[71:]):
        path.write_bytes(damaged)
        assert Snapshot(path, "store").read() is None
    assert Snapshot(tmp_path / "absent", "store").read() is None


def test_what_is_too_large_or_cannot_be_written_is_left(fleet, tmp_path, monkeypatch, caplog):
    Snapshot(tmp_path / "no" / "kept", "store").write(fleet.engine)
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    Snapshot(tmp_path / "kept", "store").write(fleet.engine)
    assert list(tmp_path.iterdir()) == []
    assert ["cannot be written" in caplog.text, "is not kept" in caplog.text] == [True, True]


def test_a_snapshot_runs_no_code(tmp_path, caplog):
    class Evil:
        def __reduce__(self):
            return print, ("taken over",)

    kept = Snapshot(tmp_path / "kept", "store")
    body = zlib.compress(pickle.dumps(Evil()))
    (tmp_path / "kept").write_bytes(kept._edition + module.hashlib.sha256(body).digest() + body)
    assert kept.read() is None
    assert "builtins.print is no part of a snapshot" in caplog.text
