"""Who opens a page goes first: what the collector learns by itself waits meanwhile, for half of the time at most."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REST_S: Final = 1.0  # a page asks again and again, and is drawn in between
MOST_S: Final = 2.5  # what a page takes; then work goes on for as long as it waited
_LOOK_S: Final = 0.05


class Pages:
    """Whether somebody is being answered, or was a moment ago. Thread-safe."""

    def __init__(self, rest_s: float = REST_S) -> None:
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._answering = 0
        self._answered = float("-inf")
        self._closed = False

    @contextmanager
    def answering(self) -> Iterator[None]:
        with self._lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1
                self._answered = time.monotonic()

    def close(self) -> None:
        """From now on nobody is waited for: a collector that stops has work to end."""
        self._closed = True

    def asked(self) -> bool:
        return not self._closed and (self._answering > 0 or time.monotonic() - self._answered < self._rest_s)


class GivesWay:
    """Called between two steps of a thread's work: returns when no page is asked for, ``most_s`` later at the latest,
    and at once for as long as it waited before.
    """

    def __init__(self, asked: Callable[[], bool], most_s: float = MOST_S) -> None:
        self._asked, self._most_s = asked, most_s
        self._owed_until = float("-inf")

    def __call__(self) -> None:
        begun = time.monotonic()
        if begun < self._owed_until:
            return
        while self._asked() and time.monotonic() - begun < self._most_s:
            time.sleep(_LOOK_S)
        ended = time.monotonic()
        self._owed_until = ended + (ended - begun)


def never() -> None:
    """For work that waits for nobody."""
