"""Made-up facts of a small fleet, bucket by bucket, with whatever is told to go wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import numpy as np

from spanledger_collector.alerts.anomaly.engine import Engine
from spanledger_collector.alerts.anomaly.facts import AT, MEASURES, Bucket, Cell, ErrorType, Places

MONDAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
STEP = timedelta(minutes=5)
CELLS = tuple(
    Cell(f"service-{number}", "answer", "openai" if number < 4 else "anthropic", f"model-{number % 4}")
    for number in range(6)
)
ERRORS = (ErrorType("server_error", 500), ErrorType("RateLimitError", 429), ErrorType("validation", 200))
PLACES = {"server_error": 0, "rate_limit": 1, "validation": 2}
Trouble = Callable[[datetime, dict[str, np.ndarray]], None]


class Fleet:
    """``trouble(end, what)`` changes what happens in a bucket: calls, failures by type, tokens, latency and so on."""

    def __init__(self, seed: int = 7, cells: tuple[Cell, ...] = CELLS, per_bucket: float = 12.0) -> None:
        self.places, self._chance = Places(), np.random.default_rng(seed)
        for cell in cells:
            self.places.cell(cell)
        for error in ERRORS:
            self.places.error(error)
        self._chance_of_first = np.random.default_rng(seed + 1000)
        self._per_bucket = per_bucket
        self.engine = Engine(self.places, 5)
        self.now = MONDAY

    def run(self, days: float, trouble: Trouble | None = None) -> list:
        """Everything that began in that time."""
        until, began = self.now + timedelta(days=days), []
        while self.now < until:
            self.now += STEP
            began += self.engine.step(self._bucket(trouble)).began
        return began

    def _bucket(self, trouble: Trouble | None) -> Bucket:
        count = len(self.places.cells)
        what = {
            "calls": np.full(count, self._per_bucket * (1 + 0.4 * np.sin(self.now.hour / 24 * 2 * np.pi))),
            "failing": np.full((3, count), 0.003),
            "slow": np.ones(count),
            "first": np.ones(count),
            "answers": np.ones(count),
            "tokens": np.full(count, 1000.0),
            "hit": np.full(count, 0.6),
            "price": np.full(count, 1.0),
            "unpriced": np.zeros(count),
            "version": ["1.0"] * count,
        }
        if trouble:
            trouble(self.now, what)
        return Bucket(self.now, self._values(what, count), what["version"])

    def _values(self, what: dict[str, np.ndarray], count: int) -> np.ndarray:
        values = np.zeros((MEASURES, count))
        calls = values[AT["calls"]] = self._chance.poisson(what["calls"])
        left = calls.copy()
        for kind in range(3):
            failed = self._chance.binomial(left, what["failing"][kind])
            values[len(AT) + kind] = failed
            left = left - failed
        self._add_call_sums(values, left, what)
        return values

    def _add_call_sums(self, values: np.ndarray, well: np.ndarray, what: dict[str, np.ndarray]) -> None:
        """Sums of log-normal durations and lengths, drawn as sums: a call at a time would take minutes."""
        some, hits = np.maximum(well, 1), self._chance.binomial(well.astype(int), what["hit"])
        sums = {"log_out": self._logs(well, 5.0 + np.log(what["answers"]), 0.5)}
        spread = 0.3 * np.sqrt(well) * self._chance_of_first.standard_normal(len(well))
        sums |= {"first": well, "log_first": well * (5.5 + np.log(what["first"])) + spread}
        sums["log_first2"] = sums["log_first"] ** 2 / some + 0.09 * well
        sums["log_ms"] = self._logs(well, 7.5 + np.log(what["slow"]), 0.3) + 0.8 * (sums["log_out"] - 5.0 * well)
        sums["log_in"] = self._logs(well, np.log(what["tokens"]), 0.5)
        for name, variance in (("log_out", 0.25), ("log_ms", 0.25), ("log_in", 0.25)):
            sums[f"{name}2"] = sums[name] ** 2 / some + variance * well
        sums["log_ms_out"] = sums["log_ms"] * sums["log_out"] / some + 0.2 * well
        tokens, out = np.exp(sums["log_in"] / some) * well, 170.0 * well * what["answers"]
        sums |= {"timed": well, "sized": well, "hits": hits, "unpriced": well * what["unpriced"]}
        sums["cached_tokens"] = tokens * hits / some * 0.8
        sums["uncached_tokens"], sums["output_tokens"] = tokens - sums["cached_tokens"], out
        cost = sums["uncached_tokens"] + 0.1 * sums["cached_tokens"] + 4 * out
        sums["cost"] = cost * what["price"] * (1 - what["unpriced"]) / 1e6
        for name, value in sums.items():
            values[AT[name]] = value

    def _logs(self, count: np.ndarray, mean: np.ndarray, spread: float) -> np.ndarray:
        return count * mean + np.sqrt(count) * spread * self._chance.standard_normal(len(count))
