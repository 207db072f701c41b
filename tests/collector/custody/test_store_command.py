"""A ledger backed up, restored, checked and moved: by the command, on real stores, nothing lost and nothing doubled."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest
from tests.collector.store.segment_writer import PER_SEGMENT, segment
from tests.support.clickhouse_facade import facade
from tests.support.collector import start_collector
from tests.support.traffic import calls_of, prompted, told

from spanledger_collector.command import main
from spanledger_collector.custody import move
from spanledger_collector.custody.archive import MANIFEST
from spanledger_collector.store import Store
from spanledger_collector.wal import Log

SEGMENTS = 4
CALLS = SEGMENTS * PER_SEGMENT + 2
ALL = {
    "usage_input_tokens": 1000,
    "usage_output_tokens": 50,
    "attempt_statuses": [429, 200],
    "attempt_errors": ["rate_limit", ""],
    "attempt_durations": [0.25, 1.0],
    "validation_outcome": "failed",
    "validation_schema": "Order",
    "validation_fields": ["total"],
    "request_temperature": 0.5,
}


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def spanledger(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["store", *map(str, arguments)])
    return Said(code, out.getvalue(), err.getvalue())


def write(data, last, first=0):
    """Segments of calls and spans over two months."""
    (data / "wal").mkdir(parents=True, exist_ok=True)
    store = Store.open(f"chdb://{data}/store")
    for number in range(first, last):
        store.write(number, *segment(number))
    prompt = prompted("gpt-4.1", "Be kind.", [{"role": "user", "content": "hello " * 900}])
    seen = [told(60 * last, f"{last}-{number}", more=prompt, **ALL) for number in range(2)]
    store.write(1000 + last, calls_of(seen), seen)  # with what the library tells beside the bill
    store.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    data = tmp_path_factory.mktemp("ledger")
    write(data, SEGMENTS)
    return data


@pytest.fixture(scope="module")
def backup(ledger):
    file = ledger.parent / "ledger.tar"
    done = spanledger("backup", file, "--data", ledger)
    assert done.returncode == 0, done.stderr
    return file


def test_a_back_up_restores_to_the_same_ledger(ledger, backup, tmp_path):
    restored = spanledger("restore", backup, "--data", tmp_path / "new" / "data")
    assert restored.returncode == 0, restored.stderr
    again = spanledger("check", "--data", tmp_path / "new" / "data")
    before = spanledger("check", "--data", ledger)
    assert again.stdout.splitlines()[1:] == before.stdout.splitlines()[1:]
    assert f"calls: {CALLS} rows, cost 0.1648 USD" in again.stdout


def test_a_damaged_back_up_is_told_and_restores_to_nothing(backup, tmp_path):
    damaged = tmp_path / "damaged.tar"
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as archive:
        largest = max(archive.getmembers()[:-1], key=lambda member: member.size)
    content[largest.offset_data] ^= 1
    damaged.write_bytes(content)
    for command in (["check", damaged], ["restore", damaged, "--data", tmp_path / "data"]):
        failed = spanledger(*command)
        assert failed.returncode == 1
        assert f"1 files are not what was backed up, {largest.name} is the first" in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.tar"]


def test_a_back_up_cut_short_is_none(backup, tmp_path):
    short = tmp_path / "short.tar"
    short.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    assert spanledger("check", short).returncode == 1


@pytest.mark.parametrize(
    ("file", "links"),
    [
        ("../evil", {}),
        ("/tmp/evil", {}),
        ("fine", {"a": "../evil"}),
        ("fine", {"a": "/etc"}),
        ("fine", {"../b": "fine"}),
    ],
)
def test_a_back_up_of_somebody_else_writes_nothing_outside(file, links, tmp_path):
    digest = hashlib.sha256(b"x").hexdigest()
    manifest = {"format": 1, "version": "", "made": "", "files": {file: digest}, "links": links, "holds": {}}
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        for name, content in ((file, b"x"), (MANIFEST, json.dumps(manifest).encode())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    refused = spanledger("restore", tmp_path / "evil.tar", "--data", tmp_path / "into" / "data")
    assert (refused.returncode, "outside its directory" in refused.stderr) == (1, True), refused
    assert [path.name for path in tmp_path.iterdir() if path.name != "into"] == ["evil.tar"]
    assert not list((tmp_path / "into").iterdir())


def test_nothing_is_written_over(ledger, backup):
    assert "is there already" in spanledger("backup", backup, "--data", ledger).stderr
    assert "is not empty" in spanledger("restore", backup, "--data", ledger).stderr


def test_a_directory_in_use_is_refused_with_its_owner(ledger, tmp_path):
    with facade(tmp_path / "server") as server, start_collector(tmp_path / "data").process as process:
        for command in (["backup", tmp_path / "x.tar"], ["check"], ["move-to", server]):
            refused = spanledger(*command, "--data", tmp_path / "data")
            assert (refused.returncode, f"process {process.pid}" in refused.stderr) == (1, True), refused
            assert "stop it first" in refused.stderr
        process.terminate()


def test_a_move_goes_on_after_it_was_interrupted_and_after_more_came(tmp_path, monkeypatch):
    data = tmp_path / "data"
    write(data, SEGMENTS)
    monkeypatch.setattr(move, "CHUNK_ROWS", 25)
    send, left = move._Move._send, iter(range(7))

    def lossy(self, *arguments):
        send(self, *arguments)
        if next(left, None) is None:
            raise ConnectionError

    with facade(tmp_path / "server") as server:
        monkeypatch.setattr(move._Move, "_send", lossy)
        with pytest.raises(ConnectionError):
            spanledger("move-to", server, "--data", data)
        monkeypatch.setattr(move._Move, "_send", send)
        write(data, SEGMENTS + 1, first=SEGMENTS)
        moved = spanledger("move-to", server, "--data", data)
        assert f"calls: {CALLS + PER_SEGMENT + 2} rows, equal in counts and sums" in moved.stdout, moved
        assert "calls_hourly: equal in counts and sums" in moved.stdout
        assert "call_details: 4 rows, equal in counts and sums" in moved.stdout
        there = spanledger("check", "--dsn", server)
    assert there.stdout.splitlines()[1:] == spanledger("check", "--data", data).stdout.splitlines()[1:]
    assert "calls_hourly: cost 0.2096 USD" in there.stdout


def test_a_server_that_holds_a_ledger_is_not_mixed_with_another(ledger, tmp_path):
    other = tmp_path / "other"
    write(other, 1, first=0)
    with facade(other / "store") as server:
        refused = spanledger("move-to", server, "--data", ledger)
    assert refused.returncode == 1
    assert "42 rows in calls that this move did not send" in refused.stderr
    assert not (ledger / "move.json").exists()


def test_requests_that_wait_in_the_log_are_backed_up_and_hold_a_move_up(tmp_path):
    data = tmp_path / "data"
    write(data, 1)
    log = Log(data / "wal")
    log.append(1, b"a request").result(30)
    log.close()
    assert "log: 1 requests in 1 segments" in spanledger("check", "--data", data).stdout
    assert spanledger("backup", tmp_path / "b.tar", "--data", data).returncode == 0
    assert "log: 1 requests in 1 segments" in spanledger("restore", tmp_path / "b.tar", "--data", tmp_path / "n").stdout
    refused = spanledger("move-to", "http://127.0.0.1:9/none", "--data", data)
    assert "holds 1 segments that are not in the store yet: start the collector once" in refused.stderr


def test_what_is_no_data_directory_is_named(tmp_path):
    assert f"{tmp_path} is no data directory of a collector" in spanledger("check", "--data", tmp_path).stderr
    assert "is no server" in spanledger("move-to", "chdb:///x", "--data", tmp_path).stderr


def test_the_statements_of_a_cluster_are_told():
    told = spanledger("ddl", "--cluster", "c1", "--database", "llm").stdout
    assert "CREATE TABLE IF NOT EXISTS calls_local ON CLUSTER c1" in told
    assert "ENGINE = Distributed(c1, llm, calls_local, cityHash64(trace_id));" in told
    assert "ON CLUSTER" not in spanledger("ddl").stdout
    assert "letters, digits and underscores" in spanledger("ddl", "--cluster", "a b").stderr
