"""What makes an unusual count nothing new: one bucket alone, or the same at the same time of the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.evidence import count_shift
from spanledger_collector.alerts.anomaly.signal import FIRE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats

_DAY: Final = 24 * 60
BACK: Final = (1, 2, 7)
"""Days ago."""
_WIDE: Final = 2.0  # times as many or as few calls are still alike, where chance explains it
_SLACK: Final = 5.0  # calls by which few may differ
_LASTS: Final = 3.0  # nats that remain without the busiest bucket


class Days:
    """Calls by bucket and group of the last eight days, incidents or not."""

    def __init__(self, step_minutes: int) -> None:
        self._step = step_minutes
        self._rows: NDArray[np.float32] = np.zeros((8 * _DAY // step_minutes, 0), np.float32)
        self._next = 0

    def widen(self, groups: int) -> None:
        self._rows = np.pad(self._rows, ((0, 0), (0, max(groups - self._rows.shape[1], 0))))

    def push(self, calls: Floats) -> None:
        self._rows[self._next] = calls
        self._next = (self._next + 1) % len(self._rows)

    def same_time(self, groups: NDArray[np.int64], minutes: int) -> Floats:
        """Calls of the window of so many minutes that ended now, one, two and seven days ago: ``[day, group]``."""
        ends = self._next - np.array(BACK)[:, None] * _DAY // self._step
        rows = (ends - 1 - np.arange(minutes // self._step)) % len(self._rows)
        calls: Floats = self._rows[rows[..., None], groups].sum(axis=1, dtype=np.float64)
        return calls

    def last(self, group: int, minutes: int) -> Floats:
        """Its calls by bucket of the last so many minutes, oldest first."""
        rows = np.arange(self._next - minutes // self._step, self._next) % len(self._rows)
        calls: Floats = self._rows[rows, group].astype(np.float64)
        return calls


def alike(calls: Floats, others: Floats, dispersion: Floats) -> NDArray[np.bool_]:
    """Where the other number of calls is hardly a different one."""
    ratio = (calls + _SLACK) / (others + _SLACK)
    nats = np.abs(count_shift(calls, others, dispersion))
    return np.asarray((ratio < _WIDE) & (ratio > 1 / _WIDE) & (nats < FIRE / 2))


def lasts(calls: Floats, usual: Floats, dispersion: Floats) -> bool:
    """Whether there are too many calls without the bucket that has most of them; both are by bucket of the window."""
    rest = calls.sum() - (calls - usual).max()
    return bool(count_shift(rest, usual.sum(), dispersion) >= _LASTS)
