"""Child processes of the demo: in sessions of their own, ended by their process id and in the demo's order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLLECTOR_PATIENCE_S = 60.0
FAILED = 1


class CollectorEnded(Exception):
    """The collector ended before it was ready, having said why; ``code`` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Child:
    """One process. Ctrl-C in the terminal does not reach it; ``stop`` interrupts it as Ctrl-C would."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        patience_s: float,
        environment: Mapping[str, str] | None = None,
        output: int | None = None,
    ) -> None:
        self._patience_s = patience_s
        self.process = subprocess.Popen(  # noqa: S603 - our own modules
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, text=True, start_new_session=True
        )

    @property
    def code(self) -> int | None:
        """Its exit code, once it ended."""
        return self.process.poll()

    def stop(self) -> None:
        """Interrupt it and wait; kill what does not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(self._patience_s)
        except subprocess.TimeoutExpired:
            return
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


@dataclass(frozen=True, slots=True)
class RunningCollector:
    """A collector that accepts spans, and its base URLs."""

    process: Child
    otlp_http: str
    api: str


def start_collector(data: Path, listeners: Sequence[str]) -> RunningCollector:
    """`spanledger collect` on a demo store of its own, once it is ready. Raises CollectorEnded."""
    command = [sys.executable, "-m", "spanledger", "collect", "--demo", "--json", "--data", str(data), *listeners]
    # A DSN of the shell is the real ledger's.
    environment = {name: value for name, value in os.environ.items() if name != "SPANLEDGER_DSN"}
    child = Child(command, patience_s=COLLECTOR_PATIENCE_S, environment=environment, output=subprocess.PIPE)
    assert child.process.stdout is not None
    try:
        line = child.process.stdout.readline()
    except BaseException:
        child.stop()
        raise
    if not line:
        raise CollectorEnded(child.process.wait() or FAILED)
    ready = json.loads(line)
    return RunningCollector(child, ready["otlp_http"], ready["api"])
