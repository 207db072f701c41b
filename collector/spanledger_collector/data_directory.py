"""The data directory of a collector: its log and its dead letters, owned by one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanledger_collector.dead_letters import DeadLetters
from spanledger_collector.listener import CannotStart
from spanledger_collector.wal import Limits, Log, LogOwned

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from spanledger_collector.counters import Counters

LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Open until the stack it was opened on is closed."""

    log: Log
    dead_letters: DeadLetters


def open_directory(path: Path, limits: Limits, counters: Counters, opened: contextlib.ExitStack) -> DataDirectory:
    """Raises CannotStart."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        letters = DeadLetters(path / LETTERS, counters)
        log = Log(path / "wal", limits)
    except LogOwned as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(
            f"the data directory {path} cannot be used: {error.strerror} ({error.filename}). "
            "Make it writable for this user or choose another one with --data"
        ) from error
    opened.callback(log.close)
    counters.watch("spanledger_log_bytes", lambda: log.queued_bytes)
    counters.watch("spanledger_log_segments", lambda: log.segments)
    return DataDirectory(log, letters)
