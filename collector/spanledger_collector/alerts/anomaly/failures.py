"""Failures by type against each cell's own past, and providers that are down: one signal, not forty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import HOUR, share
from spanledger_collector.alerts.anomaly.baseline import HALF_LIFE_HOURS, Rates
from spanledger_collector.alerts.anomaly.evidence import too_many
from spanledger_collector.alerts.anomaly.facts import AT, ERROR_PLACES, ERRORS, SUMS, ErrorType
from spanledger_collector.alerts.anomaly.ring import WINDOWS
from spanledger_collector.alerts.anomaly.signal import Family, Found, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_ANY: Final = ERRORS  # rows after the types: any failure, and those that blame the provider
_BLAMED: Final = ERRORS + 1
_ROWS: Final = ERRORS + 2
_WINDOWS: Final = WINDOWS[:7]
_LEAST: Final = 3  # failures
_FIRE: Final = 13.0  # nats; counts of failures are cleaner than volumes and means, and haste matters more
_SEVERE: Final = 0.4  # of the calls; smaller shares come in clusters and need all the evidence
_LEAST_NATS: Final = 10.0
_FEW: Final = 5  # failures; fewer within ten minutes are as often one caller's bad request, tried again and again
_FEW_NATS: Final = 15.0
_SOON: Final = 2  # windows of up to ten minutes
_FALSE_A_WEEK: Final = 1e-3  # by cell and type; three of the overlapping windows count as chances of their own
_OF_A_WEEK: Final = 7 * 24 * (1 - 0.5 ** (1 / HALF_LIFE_HOURS))  # a week's calls in those learned from
_KNOWN: Final = 200.0  # calls learned from
_OUTAGE_WINDOWS: Final = 4  # up to half an hour


class Failures:
    family: Family = "failures"

    def __init__(self) -> None:
        self._rates = Rates(_ROWS)

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        self._rates.widen(cells)

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:  # noqa: ARG002
        totals = buckets.sum(axis=0) * seen
        self._rates.learn(_rows(totals[ERROR_PLACES], _blamed(view)), totals[AT["calls"]])

    def settle(self, scope: Scope, view: View) -> None:
        """A rate of failures is never accepted as normal for having lasted."""

    def judge(self, view: View) -> Found:
        calls = view.cells.sums[: len(_WINDOWS), AT["calls"]]
        errors = view.cells.sums[: len(_WINDOWS), ERROR_PLACES]
        bad = np.flatnonzero(errors[-1].sum(axis=0) >= _LEAST - 1)
        if not len(bad):
            return Found([], lambda _: False)
        failed = _rows(errors[..., bad], _blamed(view))
        nats, effect, share = self._evidence(failed, calls[:, None, bad], bad)
        outages = list(self._outages(view, nats[:, _BLAMED] * effect[:, _BLAMED], calls, bad))
        usable = np.array(_WINDOWS)[:, None] <= view.usable["failures"][bad]
        spikes = self._spikes(
            view, np.where(effect & usable[:, None], nats, 0.0), self._needed(failed, share, bad), bad
        )
        ill = _ill(nats, effect, calls[:, bad])
        sick = dict(zip(bad.tolist(), ill.tolist(), strict=True))
        return Found([*outages, *spikes], lambda scope: _lingers(scope, sick, view))

    def bands(self, view: View) -> Iterator[Band]:
        calls, failed = view.cells.sums[HOUR, AT["calls"]], view.cells.sums[HOUR, ERROR_PLACES].sum(axis=0)
        rate = np.where(self._rates.of > 0, self._rates.rate[_ANY], np.nan)
        yield share("failure_share", failed, calls, (rate, self._rates.dispersion[_ANY]), view)

    def _evidence(
        self, failed: Floats, calls: Floats, bad: NDArray[np.int64]
    ) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """In nats, whether it is worth telling, and the share that failed."""
        usual = self._rates.upper[:, bad]
        nats = too_many(failed, calls, usual) / self._rates.dispersion[:, bad]
        share = failed / np.maximum(calls, 1)
        return nats, (failed >= _LEAST) & (share >= 2.5 * usual) & (share >= usual + 0.03), share

    def _spikes(self, view: View, nats: Floats, needed: Floats, bad: NDArray[np.int64]) -> Iterator[Signal]:
        beyond = (nats - needed).reshape(-1, len(bad))
        for place in np.flatnonzero(beyond.max(axis=0) >= 0):
            window, row = divmod(int(beyond[:, place].argmax()), _ROWS)
            yield self._spike(view, int(bad[place]), window, row, float(nats[window, row, place]))

    def _needed(self, failed: Floats, share: Floats, bad: NDArray[np.int64]) -> Floats:
        """Nats, by window, row and cell."""
        needed = np.where(share >= _SEVERE, self._needed_of_many(bad), _FIRE)
        few = failed < _FEW
        few[_SOON:] = False
        return np.where(few, np.maximum(needed, _FEW_NATS), needed)

    def _needed_of_many(self, bad: NDArray[np.int64]) -> Floats:
        """Where much fails at once. Evidence changes only when a call fails: where few do, a week has few chances of a
        false alarm to pay for.
        """
        of = self._rates.of[bad]
        a_week = self._rates.rate[:, bad] * of * _OF_A_WEEK
        needed = np.log(3 * (1 + a_week)) - np.log(_FALSE_A_WEEK)
        return np.where(of >= _KNOWN, np.clip(needed, _LEAST_NATS, _FIRE), _FIRE)

    def _spike(self, view: View, cell: int, window: int, row: int, nats: float) -> Signal:
        sums = view.cells.sums[window, :, cell]
        types = list(view.places.errors)
        most = int(sums[ERROR_PLACES].argmax()) if row >= ERRORS else row
        error = types[most] if most < len(types) else ErrorType("unknown", 0)
        failed = sums[len(SUMS) + row] if row < ERRORS else sums[ERROR_PLACES].sum()
        return Signal(
            family="failures",
            kind=error.kind,
            scope=Scope("cell", cell),
            minutes=_WINDOWS[window],
            nats=nats,
            seen=float(failed),
            expected=float(self._rates.rate[min(row, _ANY), cell] * sums[AT["calls"]]),
            unit="failures",
            of=float(sums[AT["calls"]]),
            dimension={"error_type": error.name},
        )

    def _outages(self, view: View, nats: Floats, calls: Floats, bad: NDArray[np.int64]) -> Iterator[Signal]:
        whole = np.zeros((len(_WINDOWS), calls.shape[1]))
        whole[:, bad] = nats
        for provider, cells in view.providers.items():
            for window in range(_OUTAGE_WINDOWS):
                if _is_outage(view, cells, whole[window, cells], calls[window, cells]):
                    yield self._outage(view, provider, window, cells, float(whole[window, cells].sum()))
                    break

    def _outage(self, view: View, provider: str, window: int, cells: NDArray[np.int64], nats: float) -> Signal:
        sums = view.cells.sums[window][:, cells]
        types = list(view.places.errors)
        most = sums[ERROR_PLACES].sum(axis=1) * _blamed(view)
        calls = sums[AT["calls"]]
        return Signal(
            family="failures",
            kind="provider_outage",
            scope=Scope("provider", provider=provider),
            minutes=_WINDOWS[window],
            nats=nats,
            seen=float(most.sum()),
            expected=float((self._rates.rate[_BLAMED, cells] * calls).sum()),
            unit="failures",
            of=float(calls.sum()),
            dimension={"provider": provider, "error_type": types[int(most.argmax())].name},
        )


def _rows(errors: Floats, blamed: Floats) -> Floats:
    """The types, their sum, and the sum of those that blame the provider, along the last axis but one."""
    total = errors.sum(axis=-2, keepdims=True)
    return np.concatenate([errors, total, (errors * blamed[:, None]).sum(axis=-2, keepdims=True)], axis=-2)


def _blamed(view: View) -> Floats:
    mask = np.zeros(ERRORS)
    for place, error in enumerate(view.places.errors):
        mask[place] = error.blames_provider
    return mask


def _is_outage(view: View, cells: NDArray[np.int64], nats: Floats, calls: Floats) -> bool:
    """Most of the provider's busy cells, of several services, and no single one that would explain it all."""
    busy, ill = calls >= 4, nats >= 2.5  # noqa: PLR2004
    services = {list(view.places.cells)[cell].service for cell in cells[ill]} if ill.sum() > 1 else set()
    spread = len(services) > 1 and ill.sum() >= 0.6 * busy.sum()
    return bool(spread and nats.sum() >= _FIRE and nats.sum() - nats.max() >= _FIRE / 2)


def _ill(nats: Floats, effect: NDArray[np.bool_], calls: Floats) -> NDArray[np.bool_]:
    """Not well yet by the last quarter of an hour; with hardly a call in it the last hour or two must tell."""
    strong = np.where(effect, nats, 0.0).max(axis=1) >= 6.0  # noqa: PLR2004
    soft = nats[:3, _ANY].max(axis=0) >= 2.0  # noqa: PLR2004
    few, none = calls[2] < 5, calls[3] < 3  # noqa: PLR2004
    return np.asarray(soft | (strong[3:5].any(axis=0) & few) | (strong[5] & none))


def _lingers(scope: Scope, sick: dict[int, bool], view: View) -> bool:
    if scope.level == "cell":
        return sick.get(scope.place, False)
    cells = view.providers[scope.provider]
    return sum(sick.get(cell, False) for cell in cells.tolist()) > 1
