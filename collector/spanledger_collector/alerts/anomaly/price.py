"""What a token costs: another model than usual, or the same one at another price.

A bill is linear in its tokens, so each cell's prices are recovered from past hours by least squares; what they would
have charged for the tokens of now is the expectation, whatever the mix of prompts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spanledger_collector.alerts.anomaly.bands import HOUR, Parts, parts
from spanledger_collector.alerts.anomaly.evidence import too_many
from spanledger_collector.alerts.anomaly.facts import AT
from spanledger_collector.alerts.anomaly.ring import WINDOWS, widened
from spanledger_collector.alerts.anomaly.signal import FIRE, Family, Found, Scope, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from spanledger_collector.alerts.anomaly.bands import Band
    from spanledger_collector.alerts.anomaly.evidence import Floats
    from spanledger_collector.alerts.anomaly.signal import View

_TOKENS: Final = [AT["uncached_tokens"], AT["cached_tokens"], AT["output_tokens"]]
_DECAY: Final = 0.5 ** (1 / (7 * 24))
_RECENT_DECAY: Final = 0.5 ** (1 / 24)
_USUAL: Final = 0.25  # share of its group's calls in the last days from which a model is nothing new
_DEARER: Final = 1.2
_KNOWN: Final = 100.0  # calls learned from


class Price:
    family: Family = "price"

    def __init__(self) -> None:
        self._squares: Floats = np.zeros((3, 3, 0))
        self._products: Floats = np.zeros((3, 0))
        self._calls: Floats = np.zeros(0)
        self._recent: Floats = np.zeros(0)  # the same, of about two days
        self._usage: Floats = np.zeros((3, 0))  # tokens of those calls
        self._error: Floats = np.zeros((2, 0))  # of an hour's bill against its prediction, relative: sum, weight

    def widen(self, cells: int, groups: int) -> None:  # noqa: ARG002
        for name in ("_squares", "_products", "_calls", "_recent", "_usage", "_error"):
            setattr(self, name, widened(getattr(self, name), cells))

    def learn(self, hour: datetime, buckets: Floats, seen: Floats, view: View) -> None:  # noqa: ARG002
        totals = buckets.sum(axis=0) * seen
        predicted = self._predict(np.arange(totals.shape[-1]), totals)
        off = np.abs(totals[AT["cost"]] / np.maximum(predicted, 1e-12) - 1)
        known = (predicted > 0) & (totals[AT["cost"]] > 0) & (self._calls > _KNOWN)
        self._error = _DECAY * self._error + np.stack([np.where(known, np.minimum(off, 1.0), 0.0), known])
        tokens, cost = (buckets[:, _TOKENS] * seen) / 1e3, buckets[:, AT["cost"]] * seen
        self._squares = _DECAY * self._squares + np.einsum("tig,tjg->ijg", tokens, tokens)
        self._products = _DECAY * self._products + np.einsum("tig,tg->ig", tokens, cost)
        self._calls = _DECAY * self._calls + totals[AT["calls"]]
        self._recent = _RECENT_DECAY * self._recent + totals[AT["calls"]]
        self._usage = _DECAY * self._usage + totals[_TOKENS]

    def settle(self, scope: Scope, view: View) -> None:
        """A price change or a new model is accepted: what it charges now is usual."""
        if scope.level == "cell":
            for sums in (self._squares, self._products, self._error):
                sums[..., scope.place] *= 1e-3
            return
        group = view.group_of == scope.place
        self._recent[group] = view.cells.sums[-1, AT["calls"], group]

    def _predict(self, cells: NDArray[np.int64], sums: Floats, by: NDArray[np.int64] | None = None) -> Floats:
        """What the tokens in ``sums[measure, cell]`` would have cost at the past prices of ``by``."""
        predicted: Floats = (self._prices(cells if by is None else by) * sums[_TOKENS][:, cells]).sum(axis=0)
        return predicted

    def _prices(self, cells: NDArray[np.int64]) -> Floats:
        """US dollars a token, uncached, cached and output: ``[3, cell]``."""
        squares = np.moveaxis(self._squares[..., cells], -1, 0)
        ridge = (np.trace(squares, axis1=1, axis2=2) + 1e-9)[:, None, None] * 1e-9 * np.eye(3)
        prices: Floats = np.linalg.solve(squares + ridge, self._products[:, cells].T[..., None])[..., 0].T / 1e3
        return prices

    def bands(self, view: View) -> Iterator[Band]:  # noqa: ARG002
        """None of its own: ``parts`` of the cost make one with the number of calls."""
        return iter(())

    def parts(self, view: View) -> Parts:
        """Of the cost a call in the hour that just ended. A cell without a past is all new: its model is what moved."""
        sums = view.cells.sums[HOUR]
        calls, cost, tokens = sums[AT["calls"]], sums[AT["cost"]], sums[_TOKENS]
        known = self._calls > _KNOWN
        prices = self._prices(np.arange(len(calls)))
        usual = np.maximum(self._usage / np.maximum(self._calls, 1.0), 0.0)
        cached = usual[1] / np.maximum(usual[0] + usual[1], 1e-9)
        sent = tokens[0] + tokens[1]
        bills = (
            (prices * usual).sum(axis=0) * calls,
            prices[0] * sent * (1 - cached) + prices[1] * sent * cached + prices[2] * tokens[2],
            (prices * tokens).sum(axis=0),
        )
        weight = self._recent * known
        usually = view.by_group(weight * (prices * usual).sum(axis=0)) / np.maximum(view.by_group(weight), 1e-9)
        first, second, third = (np.where(known, bill, cost) for bill in bills)
        return parts(calls, cost, (first, second, third), usually, view)

    def judge(self, view: View) -> Found:
        usual = self._is_usual(view)
        signals = list(self._switches(view, usual))
        if view.now.minute == 0:
            signals += self._changes(view, usual)
        strange = view.by_group(view.cells.sums[HOUR, AT["calls"]] * ~usual)
        total = view.by_group(view.cells.sums[HOUR, AT["calls"]])
        ill = strange > 0.2 * total
        return Found(signals, lambda scope: scope.level == "cell" or bool(ill[scope.place]))

    def _is_usual(self, view: View) -> NDArray[np.bool_]:
        group = view.by_group(self._recent)[view.group_of]
        return np.asarray(self._recent >= _USUAL * group)

    def _switches(self, view: View, usual: NDArray[np.bool_]) -> Iterator[Signal]:
        calls = view.cells.sums[:6, AT["calls"]]
        if not (calls[-1] * ~usual).any():
            return
        total = np.stack([view.by_group(row) for row in calls])
        strange = np.stack([view.by_group(row * ~usual) for row in calls])
        known = view.by_group(self._calls) >= _KNOWN
        share = view.by_group(self._recent * ~usual) / np.maximum(view.by_group(self._recent), 1.0)
        nats = too_many(strange, total, np.maximum(share, 0.01)) * (strange >= (share + 0.2) * total) * known
        usable = np.array(WINDOWS[:6])[:, None] <= view.usable_group("price")
        nats = np.where(usable, nats, 0.0)
        for group in np.flatnonzero(nats.max(axis=0) >= FIRE):
            place = int(nats[:, group].argmax())
            if signal := self._switch(view, int(group), place, usual, float(nats[place, group])):
                yield signal

    def _switch(self, view: View, group: int, place: int, usual: NDArray[np.bool_], nats: float) -> Signal | None:
        """What the new model's calls cost, against the same tokens at the prices of the group's main model."""
        mine = np.flatnonzero(view.group_of == group)
        new, old = mine[~usual[mine]], mine[usual[mine]]
        sums = view.cells.sums[place]
        if not len(old):
            return None
        main = int(new[sums[AT["calls"], new].argmax()])
        before = int(old[self._calls[old].argmax()])
        cost = float(sums[AT["cost"], main])
        expected = float(self._predict(np.array([main]), sums, np.array([before]))[0])
        if expected <= 0 or cost < _DEARER * expected:
            return None
        models = list(view.places.cells)
        return Signal(
            family="price",
            kind="model_switch_cost",
            scope=Scope("group", group),
            minutes=WINDOWS[place],
            nats=nats,
            seen=cost,
            expected=expected,
            unit="US dollars",
            of=float(sums[AT["calls"], main]),
            dimension={"model": models[main].model},
            why=f"{models[main].model} answers instead of {models[before].model}",
        )

    def _changes(self, view: View, usual: NDArray[np.bool_]) -> Iterator[Signal]:
        """The same model, another price: hours are predicted to the cent, so a few percent in two of them stand out."""
        sums = view.cells.sums[HOUR]
        before = view.cells.sums[HOUR + 1] - sums
        cells = np.flatnonzero(
            usual & (sums[AT["cost"]] > 0) & (sums[AT["timed"]] >= 10) & (self._error[1] >= 72)  # noqa: PLR2004
            & (view.usable["price"] >= 60) & (sums[AT["unpriced"]] == 0)  # noqa: PLR2004
        )  # fmt: skip
        if not len(cells):
            return
        predicted = self._predict(cells, sums)
        usual_error = self._error[0, cells] / self._error[1, cells]
        ratio = np.minimum(
            sums[AT["cost"], cells] / np.maximum(predicted, 1e-12),
            before[AT["cost"], cells] / np.maximum(self._predict(cells, before), 1e-12),
        )
        for place in np.flatnonzero(ratio - 1 >= np.maximum(0.05, 8 * usual_error)):
            cell = int(cells[place])
            yield Signal(
                family="price",
                kind="price_change",
                scope=Scope("cell", cell),
                minutes=WINDOWS[HOUR],
                nats=FIRE,
                seen=float(sums[AT["cost"], cell]),
                expected=float(predicted[place]),
                unit="US dollars",
                of=float(sums[AT["calls"], cell]),
            )
