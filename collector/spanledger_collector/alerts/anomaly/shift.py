"""Whether the last six hours of a series are on another level: beyond chance, and in both their halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.evidence import mean_shift
from spanledger_collector.alerts.anomaly.ring import WINDOWS
from spanledger_collector.alerts.anomaly.signal import FIRE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.ring import Ring

BOTH: Final = 2  # of the rows of ``halves``: the first three hours, the last three, all six
_LAST: Final = WINDOWS.index(180)
_WORTH: Final = float(np.log(1.1))
_LEAST: Final = 10  # calls in each half


def halves(cells: Ring) -> Floats:
    """``[3, measure, cell]``"""
    whole, last = cells.sums[-1], cells.sums[_LAST]
    return np.stack([whole - last, last, whole])


def lasting(count: Floats, shift: Floats, variance: Floats) -> NDArray[np.bool_]:
    """By cell, from rows as those of ``halves``; shifts are of logarithms."""
    first, last, whole = shift
    alike = (first * whole > 0) & (last * whole > 0) & (np.minimum(np.abs(first), np.abs(last)) >= np.abs(whole) / 2)
    sure = np.abs(mean_shift(whole, variance[BOTH])) >= FIRE
    return np.asarray(alike & sure & (np.abs(whole) >= _WORTH) & (count[:BOTH] >= _LEAST).all(axis=0))
