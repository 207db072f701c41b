"""What each group's last hour was and what was expected, with the band in which it would have been nothing new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

HOUR: Final = 4  # of WINDOWS
WIDTH: Final = 3.0  # standard deviations to either side


@dataclass(frozen=True, slots=True)
class Band:
    """Arrays by group, NaN where unknown; all in ``unit``."""

    name: str
    unit: str
    seen: Floats
    expected: Floats
    lower: Floats
    upper: Floats


def around(name: str, unit: str, seen: Floats, expected: Floats, spread: Floats) -> Band:
    """``spread`` is a standard deviation; nothing here is ever below zero."""
    return Band(name, unit, seen, expected, np.maximum(expected - WIDTH * spread, 0.0), expected + WIDTH * spread)


def share(name: str, hits: Floats, of: Floats, usual: tuple[Floats, Floats], view: View) -> Band:
    """Of calls, by cell; ``usual`` is the rate and its over-dispersion."""
    rate, dispersion = usual
    total = _or_nan(view.by_group(of))
    expected = view.by_group(of * rate) / total
    variance = view.by_group(of * rate * (1 - rate) * dispersion) / total**2
    band = around(name, "share of calls", view.by_group(hits) / total, expected, np.sqrt(variance))
    return Band(band.name, band.unit, band.seen, band.expected, band.lower, np.minimum(band.upper, 1.0))


def mean(named: tuple[str, str], logs: tuple[Floats, Floats], shift: Floats, variance: Floats, view: View) -> Band:
    """The typical value of a call, from the number of calls and sum of logarithms by cell; ``shift`` is the mean's
    distance from what was expected, NaN where nothing is, ``variance`` that of the mean.
    """
    (name, unit), (count, total) = named, logs
    known = np.where(np.isfinite(shift), count, 0.0)
    calls, judged = _or_nan(view.by_group(count)), _or_nan(view.by_group(known))
    seen = view.by_group(total) / calls
    expected = seen - view.by_group(known * np.nan_to_num(shift)) / judged
    spread = WIDTH * np.sqrt(view.by_group(known**2 * np.nan_to_num(variance))) / judged
    return Band(name, unit, np.exp(seen), np.exp(expected), np.exp(expected - spread), np.exp(expected + spread))


def _or_nan(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


@dataclass(frozen=True, slots=True)
class Parts:
    """A group's cost a call, US dollars, against its usual one: the product of the ratios is what they differ by."""

    usual: Floats
    seen: Floats
    ratios: dict[str, Floats]  # model, tokens, cache, price


def parts(calls: Floats, cost: Floats, bills: tuple[Floats, Floats, Floats], usual: Floats, view: View) -> Parts:
    """``bills`` are what the hour would have cost, by cell: with the usual tokens, with the tokens there were and the
    usual share of them cached, and with all tokens as they were, each at past prices. ``usual`` is by group.
    """
    total = _or_nan(view.by_group(calls))
    steps = [view.by_group(bill) / total for bill in bills]
    seen = view.by_group(cost) / total
    chain = [usual, *steps, seen]
    ratios = {name: _ratio(chain[at + 1], chain[at]) for at, name in enumerate(("model", "tokens", "cache", "price"))}
    return Parts(usual, seen, ratios)


def _ratio(value: Floats, of: Floats) -> Floats:
    sound: NDArray[np.bool_] = (value > 0) & (of > 0)
    return np.where(sound, value / np.where(sound, of, 1.0), np.nan)
