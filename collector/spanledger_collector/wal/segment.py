"""Segment files of a log directory: their names, their ids and who owns the directory."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanledger_collector.wal.disk import sync, sync_directory

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".wal"
_DIGITS: Final = 20  # of the largest UInt64


class LogOwned(Exception):
    """Another process writes to this log directory; the text names it and the remedy."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """A sealed file of the log: one batch. Its id is never used again for other content."""

    id: int  # UInt64
    path: Path
    size: int  # bytes

    def read(self) -> bytes:
        """The file's bytes. Raises OSError."""
        return self.path.read_bytes()


def sealed_segments(directory: Path) -> list[Segment]:
    """What an earlier process left, oldest first."""
    files = (path for path in directory.iterdir() if path.suffix == SUFFIX and path.stem.isdigit())
    return sorted(Segment(int(path.stem), path, path.stat().st_size) for path in files)


class SegmentIds:
    """Ids from the clock, but always above the last one given, which a file remembers when the clock steps back."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = os.open(directory / "last-segment", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        remembered = os.pread(self._file, _DIGITS, 0)
        left = [segment.id for segment in sealed_segments(directory)]
        self._last = max([int(remembered) if remembered.isdigit() else 0, *left])

    def create(self) -> tuple[int, int]:
        """A new id and the descriptor of its new, durable, empty file. Raises OSError."""
        segment_id = max(time.time_ns(), self._last + 1)
        os.pwrite(self._file, b"%0*d" % (_DIGITS, segment_id), 0)
        sync(self._file)
        self._last = segment_id
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path(segment_id), flags, 0o600)
        try:
            sync_directory(self._directory)
        except OSError:
            os.close(descriptor)
            raise
        return segment_id, descriptor

    def path(self, segment_id: int) -> Path:
        return self._directory / f"{segment_id:0{_DIGITS}d}{SUFFIX}"

    def close(self) -> None:
        os.close(self._file)


def own(directory: Path) -> int:
    """Lock the directory for this process until the returned descriptor is closed. Raises LogOwned and OSError."""
    descriptor = os.open(directory / "owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace") or "unknown"
        os.close(descriptor)
        raise LogOwned(
            f"{directory} is in use by another collector (process {owner}): stop it, or give this one a data directory "
            "of its own with --data"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
