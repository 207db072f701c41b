"""The reader process as the collector sees it: started for the first large segment, told what changed, replaced when
it ended.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.reading.batch import Batch
from spanledger_collector.reading.messages import Outcome, Setting, Task, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.counters import Counters
    from spanledger_collector.ledger.modelled import RatiosBySite
    from spanledger_collector.reading.batch import SegmentReader
    from spanledger_collector.rows import Rows
    from spanledger_collector.tellings import Emitters
    from spanledger_collector.wal import Segment

logger = logging.getLogger(__name__)
LARGE_BYTES: Final = 2 * 2**20  # some 1,700 spans of 25 attributes
IDLE_S: Final = 300.0  # without a large segment, after which the second process gives its memory back
AGAIN_S: Final = 60.0  # after which one is started again where it ended
STOP_S: Final = 5.0
_CODE: Final = """
import sys
sys.path[:] = {path!r}
from spanledger_collector.reading.main import main
main({descriptor})"""


class ReadingFailed(Exception):
    """The second process could not read a segment; the text says why."""


class ProcessEnded(Exception):
    """There is no second process; the text says why."""


class ReaderProcess:
    """For one thread."""

    def __init__(
        self, setting: Setting, ratios: Callable[[], RatiosBySite], emitters: Emitters, counters: Counters
    ) -> None:
        self._setting, self._ratios, self._emitters, self._counters = setting, ratios, emitters, counters
        self._child: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        """Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._wire = Wire(ours)
            code = _CODE.format(path=sys.path, descriptor=theirs.fileno())
            # Isolated: its modules come from where ours do. In a session of its own: Ctrl-C reaches ours alone.
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._told: dict[str, Any] = {}
        self._counters.add("spanledger_reader_starts_total")

    def read(self, segment: Segment) -> Batch:
        """Starts the process if it does not run. Raises ReadingFailed and ProcessEnded."""
        try:
            if self._child is None:
                self._start()
            rows, outcome = self._ask(segment)
        except (EOFError, OSError) as error:
            raise ProcessEnded(f"{error}; {self.stop()}") from error
        except BaseException:
            self.stop()  # what it would say next belongs to this segment
            raise
        for name, labels, count in outcome.counted:
            self._counters.add(name, count, **labels)
        if outcome.emitters:
            self._emitters.update(outcome.emitters)
            self._told["emitters"] = self._emitters.version
        if outcome.failed:
            raise ReadingFailed(outcome.failed)
        return Batch(segment, outcome.seen(), rows, outcome.suspects)

    def _ask(self, segment: Segment) -> tuple[list[Rows], Outcome]:
        if not self._told:
            self._wire.send(self._setting)
        self._wire.send(Task(segment, **self._news()))
        return list(self._wire.receive_rows()), self._wire.receive()

    def stop(self) -> str:
        """How it ended, in words."""
        child, self._child = self._child, None
        if child is None:
            return "it does not run"
        self._wire.close()
        try:
            code = child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def _news(self) -> dict[str, Any]:
        """What changed since it was told: lines and ratios are replaced whole, emitters grow."""
        now = {"lines": self._setting.book.lines, "ratios": self._ratios(), "emitters": self._emitters.version}
        changed = [name for name, mark in now.items() if [mark] != [self._told.get(name)]]  # quick where it is the same
        self._told = now
        return {name: self._emitters if name == "emitters" else now[name] for name in changed}


class SharedReading:
    """Large segments are read by the second process, the others here, as are all where there can be none."""

    def __init__(self, here: SegmentReader, apart: ReaderProcess) -> None:
        self._here, self._apart = here, apart
        self._last_s = -IDLE_S  # monotonic seconds, as is the next
        self._not_before_s = 0.0

    def read(self, segment: Segment) -> Batch:
        """Raises ReadingFailed; OSError when the medium does."""
        now = time.monotonic()
        if segment.size >= LARGE_BYTES and now >= self._not_before_s:
            self._last_s = now
            try:
                return self._apart.read(segment)
            except ProcessEnded as error:
                self._not_before_s = now + AGAIN_S
                logger.warning("no second process to read segments, they are read in this one: %s", error)
        if now - self._last_s > IDLE_S:
            self._apart.stop()
        return self._here.read(segment)

    def close(self) -> None:
        self._apart.stop()
