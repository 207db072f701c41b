"""The latest hours in buckets, and their sums over windows that end now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from spanledger_collector.alerts.anomaly.evidence import Floats

WINDOWS: Final = (5, 10, 15, 30, 60, 120, 180, 360)
"""Minutes."""
KEPT: Final = WINDOWS[-1]
_RESUM: Final = 1000  # steps after which sums are taken afresh: differences of floats drift


def widened(array: Floats, cells: int, fill: float = 0.0) -> Floats:
    """The same array with room for more cells; the last axis is always the cell."""
    missing = cells - array.shape[-1]
    if missing <= 0:
        return array
    return np.concatenate([array, np.full((*array.shape[:-1], missing), fill)], axis=-1)


class Ring:
    """``sums[window, measure, cell]`` after every ``push``."""

    def __init__(self, measures: int, step_minutes: int) -> None:
        self.step_minutes = step_minutes
        self._lengths = [minutes // step_minutes for minutes in WINDOWS]
        self._rows: Floats = np.zeros((self._lengths[-1], measures, 0))
        self.sums: Floats = np.zeros((len(WINDOWS), measures, 0))
        self._next = 0
        self.pushed = 0

    def widen(self, cells: int) -> None:
        self._rows, self.sums = widened(self._rows, cells), widened(self.sums, cells)

    def push(self, values: Floats) -> None:
        size = len(self._rows)
        for place, length in enumerate(self._lengths):
            self.sums[place] += values - self._rows[(self._next - length) % size]
        self._rows[self._next] = values
        self._next = (self._next + 1) % size
        self.pushed += 1
        if self.pushed % _RESUM == 0:
            self._resum(slice(None))

    def last(self, minutes: int, cell: int | slice = slice(None)) -> Floats:
        """The buckets of the last so many minutes, oldest first: ``[bucket, measure, cell]``, or of one cell."""
        count = minutes // self.step_minutes
        return self._rows[np.arange(self._next - count, self._next) % len(self._rows), :, cell]

    def erase(self, minutes: int, measures: slice, cell: int) -> None:
        """Forget the last so many minutes of one cell: an incident is no example of what is usual."""
        count = min(minutes // self.step_minutes, len(self._rows))
        rows = np.arange(self._next - count, self._next) % len(self._rows)
        self._rows[rows, measures, cell] = 0.0
        self._resum(measures)

    def _resum(self, measures: slice) -> None:
        for place, length in enumerate(self._lengths):
            rows = np.arange(self._next - length, self._next) % len(self._rows)
            self.sums[place, measures] = self._rows[rows, measures].sum(axis=0)
