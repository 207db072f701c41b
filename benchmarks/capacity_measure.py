"""What the steps of a collector cost, thread by thread, for capacity.json: benchmarks/capacity.py --measure."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import ingest
from capacity_model import Costs

# The collector with one addition: each thread's name beside its id, and what a write spends inside the engine.
WATCHED = """
import os, sys, threading, time
told, started = os.environ["CAPACITY_TOLD"], threading.Thread.run
def run(self):
    with open(told, "a") as file:
        print(threading.get_native_id(), self.name, file=file)
    started(self)
threading.Thread.run = run
from spanledger_collector.store import Store
insert, spent = Store.insert, 0.0
def timed(self, *arguments):
    global spent
    began = time.thread_time()
    insert(self, *arguments)
    spent += time.thread_time() - began
    with open(told + ".engine", "w") as file:
        print(spent, file=file)
Store.insert = timed
from spanledger.__main__ import main
sys.argv[0] = "spanledger"
sys.exit(main())
"""
ROLES = {"spanledger-reader": "read", "spanledger-writer": "write", "spanledger-log": "http"}
SETTLE_S = 15  # for merges


class Watched(ingest.Server):
    """A collector whose threads' CPU is told by what they do."""

    program = ("-c", WATCHED)

    def __init__(self, directory: str) -> None:
        self._told = Path(directory) / "told"
        os.environ["CAPACITY_TOLD"] = str(self._told)
        super().__init__(str(Path(directory) / "data"), [])

    def spent(self) -> Counter[str]:
        """CPU seconds so far, by role."""
        names = dict(line.rstrip("\n").split(" ", 1) for line in self._told.read_text().splitlines())
        found: Counter[str] = Counter()
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            name = names.get(task.name, "" if task.name != str(self.pid) else "main")
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found[_role(name)] += seconds
        inside = Path(f"{self._told}.engine")
        found["insert"] = float(inside.read_text()) if inside.exists() else 0.0
        found["columns"] = found.pop("write", 0.0) - found["insert"]
        return found


def _role(thread: str) -> str:
    """A thread without a name of ours is the engine's."""
    if not thread:
        return "background"
    if thread.startswith("spanledger-"):
        return ROLES.get(thread, "watch")
    return "http"


def run(rate: float, batch: int, seconds: float) -> Counter[str]:
    """CPU seconds by role, and how many requests, segments and spans they were spent on."""
    with tempfile.TemporaryDirectory(prefix="spanledger-benchmark-") as directory:
        server = Watched(directory)
        try:
            templates = [ingest.Template(random.Random(42), batch) for _ in range(ingest.TEMPLATES)]
            load = ingest.Load(server.addresses["otlp_http"], batch, rate, seconds, templates)
            idle = _idle(server)
            before, own, began = server.spent(), time.process_time(), time.monotonic()
            load.run(4)
            sent, own = len(load.acks) * batch, time.process_time() - own
            ingest.until(lambda: ingest.stored(server) >= sent, 600)
            time.sleep(SETTLE_S)
            found = server.spent() - before
            took = time.monotonic() - began
            status = server.get("/api/v1/status")["counters"]
        finally:
            server.stop()
    found["background"] -= idle["background"] * took
    found["watch"] /= took
    segments = int(status["spanledger_segments_written_total"])
    return found + Counter(sender=own, requests=len(load.acks), segments=segments, spans=sent)


def _idle(server: Watched) -> Counter[str]:
    """CPU seconds a second of a collector that receives nothing."""
    before = server.spent()
    time.sleep(SETTLE_S)
    return Counter({role: seconds / SETTLE_S for role, seconds in (server.spent() - before).items()})


def fsync_ms() -> tuple[float, float]:
    """Median and 99th percentile of writing 60 KB behind a file and syncing it, where data directories are made."""
    times = []
    with tempfile.NamedTemporaryFile(prefix="spanledger-benchmark-") as file:
        for _ in range(300):
            began = time.perf_counter()
            file.write(bytes(60_000))
            file.flush()
            os.fdatasync(file.fileno())
            times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def solve(small: Counter[str], large: Counter[str], role: str, unit: str) -> tuple[float, float]:
    """Microseconds for each `unit` (requests, segments) and each span, from two runs with different shares of both."""
    (a, b), (c, d) = (small[unit], small["spans"]), (large[unit], large["spans"])
    of_unit = (small[role] * d - large[role] * b) / (a * d - b * c)
    of_unit = max(0.0, of_unit)
    return 1e6 * of_unit, 1e6 * (large[role] - of_unit * c) / d


def costs() -> dict[str, dict[str, Any]]:
    """Every parameter of the model: value, and what it was taken from."""
    small, large = run(400, 10, 30), run(0, 500, 20)
    runs = "CPU of its threads under two loads"
    found = {}
    for role, name, unit in (
        ("http", "http", "request"),
        ("read", "read", "segment"),
        ("columns", "columns", "segment"),
        ("insert", "insert", "segment"),
        ("background", "background", "segment"),
    ):
        of_unit, of_span = solve(small, large, role, f"{unit}s")
        found[f"{name}_{unit}"], found[f"{name}_span"] = (of_unit, runs), (of_span, runs)
    found["watch_second"] = 1e6 * max(small["watch"], large["watch"]), runs
    found["sender_span"] = 1e6 * large["sender"] / large["spans"], runs
    middle, high = fsync_ms()
    found["fsync_p50_ms"] = found["fsync_p99_ms"] = middle, "60 KB behind a file, 300 times"
    found["fsync_p99_ms"] = high, found["fsync_p50_ms"][1]
    body = ingest.Template(random.Random(42), 500).fresh()
    found["wire_span_bytes"] = len(body) / 500, "a request of 500 spans"
    assert {*found, "write_turns"} == set(Costs.__dataclass_fields__)
    return {name: {"value": float(f"{value:.3g}"), "from": how} for name, (value, how) in found.items()}


def benchmark(rate: float, seconds: float) -> dict[str, float]:
    """`benchmarks/ingest.py` at this rate, and what it printed."""
    command = [sys.executable, ingest.__file__, "--rate", str(rate), "--seconds", str(seconds)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read(printed)


def read(printed: str) -> dict[str, float]:
    """The figures of a report of `benchmarks/ingest.py`."""
    words = printed.replace(",", "").split()

    def after(*marks: str) -> float:
        """The number that follows these words."""
        at = next(i for i in range(len(words)) if words[i : i + len(marks)] == list(marks))
        return float(words[at + len(marks)])

    return {
        "end_to_end": after("after", "the", "last:"),
        "lag_after_last_s": after("them", "arrived"),
        "ack_p50_ms": after("ack", "p50"),
        "ack_p99_ms": after("ms", "p99"),
        "cpu_us_span": 1e3 * after("server", "CPU"),
    }
