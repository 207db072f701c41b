"""A real collector process on free loopback ports, and a small client for its API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Collector:
    """One `spanledger collect --json` child process and its addresses."""

    process: subprocess.Popen[str]
    otlp_http: str
    otlp_grpc: str
    api: str

    def get(self, path: str, **parameters: str) -> Any:
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        with urllib.request.urlopen(self.api + path + query, timeout=30) as response:
            return json.load(response)

    def rows(self, name: str, **parameters: str) -> list[dict[str, Any]]:
        answer = self.get(f"/api/v1/query/{name}", **parameters)
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]

    def wait_for_calls(self, count: int, seconds: float = 90) -> dict[str, Any]:
        """The totals row, once it counts at least `count` calls."""
        deadline = time.monotonic() + seconds
        while (totals := self.rows("totals")[0])["calls"] < count:
            assert time.monotonic() < deadline, f"{totals['calls']} of {count} calls after {seconds} s"
            time.sleep(0.1)
        return totals

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def start_collector(
    data: Path, *arguments: str, env: dict[str, str] | None = None, program: Sequence[str] = ("-m", "spanledger")
) -> Collector:
    """Start it on free ports and wait for its ready line."""
    command = [sys.executable, *program, "collect", "--data", str(data), "--json"]
    for listener in ("--otlp-http", "--otlp-grpc", "--api"):
        command += [listener, "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the collector ended before it was ready, exit code {process.wait(30)}")
    ready = json.loads(line)
    return Collector(process, ready["otlp_http"], ready["otlp_grpc"], ready["api"])


def children(pid: int) -> list[int]:
    """Of a process, by id; Linux tells."""
    of_threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in of_threads for child in each.read_text().split()]
