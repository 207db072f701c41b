"""Colours for keys: Okabe and Ito's set (https://jfly.uni-koeln.de/color/) in an order that starts calm.

Yellow and black are left out: they vanish on one of our two backgrounds.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
SERIES: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
GREY: Final = "#8A9099"  # "other", and what has no name
_REMEMBERED: Final = 1_000  # a hostile sender can invent names without end


class Palette:
    """A key keeps the colour it was drawn in, until a chart shows it beside another key of that colour."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, int] = {}

    def colours(self, keys: Sequence[str]) -> list[str]:
        """A colour for each of at most six keys, none twice."""
        assert len(keys) <= len(SERIES)
        with self._lock:
            free = list(range(len(SERIES)))
            return [SERIES[self._take(key, free)] for key in keys]

    def _take(self, key: str, free: list[int]) -> int:
        slot = self._slots.get(key, len(self._slots) % len(SERIES))
        slot = slot if slot in free else free[0]
        if key in self._slots or len(self._slots) < _REMEMBERED:
            self._slots[key] = slot
        free.remove(slot)
        return slot
