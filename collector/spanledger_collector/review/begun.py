"""Reviews of which the opening was told: who then asks for the whole gets the rest of that same reading."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spanledger_collector.review.pack import Asked, Opening

_MOST: Final = 8
_SECONDS: Final = 30.0


class Begun:
    """Thread-safe. Each is kept half a minute at most, and taken once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._openings: dict[Asked, tuple[float, Opening]] = {}

    def keep(self, opening: Opening) -> Opening:
        with self._lock:
            self._openings.pop(opening.asked, None)
            self._openings[opening.asked] = time.monotonic(), opening
            if len(self._openings) > _MOST:
                del self._openings[next(iter(self._openings))]
        return opening

    def take(self, asked: Asked) -> Opening | None:
        with self._lock:
            kept = self._openings.pop(asked, None)
        return kept[1] if kept and time.monotonic() - kept[0] < _SECONDS else None
