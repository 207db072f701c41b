"""`spanledger demo` as a user starts and stops it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from spanledger_collector.demo.backfill import Notes
from spanledger_collector.demo.command import NotADemo, claim
from spanledger_collector.demo.fleet.catalogue import SERVICES
from spanledger_collector.demo.history.month import HOURS
from spanledger_collector.demo.pitfalls.week import CLEAN, LEAKY

LISTENERS = [part for name in ("--otlp-http", "--otlp-grpc", "--api") for part in (name, "127.0.0.1:0")]
CALLS = 600
SHOWN = {service.name for service in SERVICES} | {LEAKY, CLEAN}


class RunningDemo:
    def __init__(self, data, *arguments):
        command = [sys.executable, "-m", "spanledger", "demo", "--data", str(data), "--no-dashboard"]
        self.process = subprocess.Popen(
            [*command, "--calls", str(CALLS), *LISTENERS, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SPANLEDGER_DSN": "http://127.0.0.1:9/real-ledger"},
        )
        self.said = self._read_until("Ctrl-C stops everything.")
        self.api = re.search(r"API +(\S+)", self.said)[1]

    def _read_until(self, end):
        lines = []
        while not lines or end not in lines[-1]:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            lines.append(line)
        return "".join(lines)

    def get(self, path):
        with urllib.request.urlopen(self.api + path, timeout=30) as response:
            return json.load(response)

    def rows(self, name):
        answer = self.get(f"/api/v1/query/{name}")
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def wait_for(self, reached, seconds=110):
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def stop(self):
        """Exit code and what was said at the end."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60), self.process.stderr.read()


def children_of(data):
    """Command lines of processes that work on this demo."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(data) in line]


def test_the_demo_fills_a_ledger_of_its_own_and_leaves_nothing_running(tmp_path):
    demo = RunningDemo(tmp_path / "demo")
    try:
        demo.wait_for(lambda: demo.rows("totals")[0]["calls"] >= CALLS)
        demo.wait_for(lambda: {row["service"] for row in demo.rows("services")} == SHOWN)
        running = children_of(tmp_path)
        services, status = demo.rows("services"), demo.get("/api/v1/status")
    finally:
        code, said = demo.stop()
    assert code == 0
    assert len(running) >= 7  # the demo, its collector, five services; perhaps still the loading
    assert "unpriced model: ticket-triage" in demo.said
    assert all(row["demo"] for row in services)
    assert status["demo"] is True
    assert "Traceback" not in said
    assert children_of(tmp_path) == []


def test_a_second_start_does_not_double_the_history(tmp_path):
    counts = []
    for _ in range(2):
        demo = RunningDemo(tmp_path / "demo", "--no-fleet")
        try:
            demo.wait_for(lambda demo=demo: is_loaded(demo, tmp_path / "demo"))
            counts.append(demo.rows("totals")[0]["calls"])
        finally:
            demo.stop()
    assert counts[0] <= counts[1] <= counts[0] + 5  # what happened between the two starts


def is_loaded(demo, data):
    """All of the month was sent, and is in the store."""
    notes = Notes.read(data)
    is_sent = notes.loaded_from == notes.anchor_hour - HOURS
    return is_sent and demo.get("/api/v1/status")["log"]["segments"] == 0


def test_a_real_ledger_is_refused(tmp_path):
    (tmp_path / "store").mkdir()
    with pytest.raises(NotADemo, match=r"is no demo.*--data"):
        claim(tmp_path, CALLS)
    assert Notes.read(tmp_path) is None


def test_a_collector_that_cannot_start_ends_the_demo_with_its_reason(tmp_path):
    command = [sys.executable, "-m", "spanledger", "demo", "--data", str(tmp_path), "--no-dashboard"]
    ended = subprocess.run([*command, "--api", "nowhere"], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "'nowhere' is no listening address" in ended.stderr
    assert children_of(tmp_path) == []
