"""Answers kept for a while and shared by all viewers: what several ask at one time is asked once.

They are handed out as they are, not copied as ``st.cache_data`` would, which took longer than most pages: pages read
what they are given and never change it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spanledger_dashboard.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_NEVER: Final = float("-inf")
_PLACE_BYTES: Final = 1_000  # what a place itself takes, so that empty answers do not gather


@dataclass(slots=True)
class _Place:
    """One question's answer; the lock is held by who is asking."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    answered: float = _NEVER
    size: int = _PLACE_BYTES
    error: ApiError | None = None
    failed: float = _NEVER


class Answers:
    """Thread-safe. Holds the answers used last, ``most_bytes`` of them at most, as their askers reckon."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes: Final = most_bytes
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def get(self, question: Hashable, seconds: float, ask: Callable[[], tuple[Any, int]]) -> Any:
        """An answer at most ``seconds`` old; ``ask`` gives one with its size in bytes, and raises ApiError.

        Who came while another was asking gets the same answer, or the same error.
        """
        came = time.monotonic()
        with self._lock:
            place = self._places.setdefault(question, _Place())
            self._places.move_to_end(question)
        with place.lock:
            if place.error and place.failed >= came:
                raise place.error
            if came - place.answered > seconds:
                self._fill(place, ask)
            return place.value

    def forget(self) -> None:
        """Ask everything again; what is being asked now answers those who wait, and nobody after."""
        with self._lock:
            self._places.clear()

    def _fill(self, place: _Place, ask: Callable[[], tuple[Any, int]]) -> None:
        try:
            place.value, size = ask()
        except ApiError as error:
            place.error, place.failed = error, time.monotonic()
            raise
        place.error, place.answered, place.size = None, time.monotonic(), size + _PLACE_BYTES
        self._make_room()

    def _make_room(self) -> None:
        with self._lock:
            size = sum(place.size for place in self._places.values())
            while size > self._most_bytes and len(self._places) > 1:
                size -= self._places.popitem(last=False)[1].size
