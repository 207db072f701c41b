"""Work that can wait, done on one thread of our own. What waits is bounded; the caller never does.

The thread starts with the first piece of work. A finalizer may hand work over while this thread is inside the lock, so
the lock is one that its holder can take again. A fork waits for the piece of work at hand: a child made in the middle
of one would wait forever for a module that this thread, which the child does not have, was importing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

from . import _setup
from ._guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

MOST_JOBS: Final = 2_000
MOST_BYTES: Final = 16 * 1024 * 1024
_DRAIN: Final = 0.4  # seconds, inside the bound on the exit of the process
_FORK: Final = 1.0  # seconds that a fork waits at most


class Later:
    """First in, first out. `hurry` tells the work that the process ends: only what cannot be left out is done."""

    def __init__(self) -> None:
        self._begin()
        self._forking = threading.local()  # two threads may fork at once
        with contextlib.suppress(AttributeError):  # no fork on this platform
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._begin
            )

    def _begin(self) -> None:
        """As new; in a forked child, where the thread and what waited for it are the parent's, once more."""
        self.lock = threading.RLock()
        self._working = threading.Lock()
        self.dropped = 0
        self.hurry = False
        self._jobs: SimpleQueue[tuple[Callable[[], object], int]]
        self._count = 0
        self._bytes = 0
        self._thread: threading.Thread | None = None

    def hand(self, work: Callable[[], object], size: int = 0) -> bool:
        """Have `work`, which holds `size` bytes, done soon. False: too much is waiting, it is not taken."""
        with self.lock:
            if self._count >= MOST_JOBS or self._bytes + size > MOST_BYTES:
                self.dropped += 1
                return False
            if self._thread is None:
                self._start()
            self._count += 1
            self._bytes += size
        self._jobs.put((work, size))
        return True

    def _start(self) -> None:
        from queue import SimpleQueue

        self._jobs = SimpleQueue()
        thread = threading.Thread(target=self._run, name="spanledger-later", daemon=True)
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        while True:
            work, size = self._jobs.get()
            with self._working:
                guarded(work)
            del work  # what it holds is let go now, not when the next piece comes
            with self.lock:
                self._count -= 1
                self._bytes -= size

    def _before_fork(self) -> None:
        self._forking.waited = self._working.acquire(timeout=_FORK)

    def _after_fork_in_parent(self) -> None:
        if self._forking.waited:
            self._working.release()

    def drain(self, seconds: float) -> bool:
        """Wait until what was handed over before is done, for `seconds` at most."""
        if self._thread is None or self._thread is threading.current_thread():
            return True
        done = threading.Event()
        with self.lock:
            self._count += 1
        self._jobs.put((done.set, 0))
        return done.wait(seconds)


LATER: Final = Later()


def settle() -> None:
    """Before a destination is left: hash what there is time for, and end every span in any case."""
    if not LATER.drain(_DRAIN):
        LATER.hurry = True
        LATER.drain(_DRAIN)
        LATER.hurry = False


_setup.before_leaving.append(settle)
