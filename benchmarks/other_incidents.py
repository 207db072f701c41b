"""Whether the anomaly rules keep their word on traffic of other kinds than they were first measured on.

usage: .venv/bin/python benchmarks/other_incidents.py [--worlds steady,bursty] [--groups 24] [--days 35] [--seed 1]

Each world is made-up calls of so many services and goes through what ``spanledger alerts backtest --calls`` runs. Two
weeks are for learning; afterwards every other day brings each group an incident of some kind and size, unless the world
is a quiet one. Told: recall and median delay by kind and size, and alerts that no incident explains by group-week.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spanledger_collector.alerts.backtest import backtest
from spanledger_collector.alerts.call_file import CallFile

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 3, 2)  # noqa: DTZ001 - files tell UTC without saying so; a Monday
DAY = 288  # buckets of five minutes
LEARNING = 14 * DAY
ECHO = 12 * 12  # buckets after an incident in which what it did may still be told
ERRORS = ("server_error", "rate_limit", "timeout")


@dataclass(frozen=True)
class Incident:
    kind: str
    size: str
    told_as: tuple[str, ...]
    group: int
    start: int
    end: int


@dataclass
class World:
    """Arrays by bucket and group; ``calls`` is the mean number of a bucket."""

    chance: np.random.Generator
    calls: np.ndarray
    quiet: bool = False
    failing: np.ndarray = field(init=False)
    slow: np.ndarray = field(init=False)
    tokens: np.ndarray = field(init=False)
    hit: np.ndarray = field(init=False)
    version: np.ndarray = field(init=False)
    clustered: bool = False  # failures bring others along
    tail: bool = False  # a few calls take very long
    incidents: list[Incident] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = self.calls.shape
        self.failing, self.hit = np.full(shape, 0.006), np.full(shape, 0.6)
        self.slow, self.tokens = np.ones(shape), np.ones(shape)
        self.version = np.ones(shape, np.int64)


def _season(chance: np.random.Generator, days: int, groups: int, per_hour: tuple[float, float]) -> np.ndarray:
    """Days and working weeks, each group with its own hour, depth and size."""
    bucket = np.arange(days * DAY)
    hour, weekend = bucket % DAY / 12, bucket // DAY % 7 >= 5
    size = np.exp(chance.uniform(*np.log(per_hour), groups)) / 12
    depth, peak, week = chance.uniform(0.2, 0.9, groups), chance.uniform(9, 18, groups), chance.uniform(0.3, 1, groups)
    shape = np.exp(depth * np.cos((hour[:, None] - peak) / 24 * 2 * np.pi))
    return size * shape * np.where(weekend[:, None], week, 1.0)


def _drift(chance: np.random.Generator, shape: tuple[int, int], spread: float, memory: float) -> np.ndarray:
    """A level that wanders: an autoregression of the logarithm, of that standard deviation."""
    steps = chance.normal(0, spread * np.sqrt(1 - memory**2), shape)
    for at in range(1, len(steps)):
        steps[at] += memory * steps[at - 1]
    return np.exp(steps - spread**2 / 2)


def steady(world: World) -> None:
    """Days and weeks, chance alone."""


def trending(world: World) -> None:
    world.calls *= 1.02 ** (np.arange(len(world.calls)) / DAY)[:, None]


def dispersed(world: World) -> None:
    """Counts far wider than chance, by themselves and over hours; failures and latency wander as well."""
    world.calls *= world.chance.gamma(3, 1 / 3, world.calls.shape) * _drift(world.chance, world.calls.shape, 0.3, 0.98)
    world.failing *= _drift(world.chance, world.calls.shape, 0.5, 0.97)
    world.slow *= _drift(world.chance, world.calls.shape, 0.1, 0.97)


def bursty(world: World) -> None:
    """One call brings others for some minutes: half of all calls are such; failures come in clusters too."""
    excited = np.zeros(world.calls.shape[1])
    base = world.calls / 2
    for at in range(len(world.calls)):
        world.calls[at] = base[at] + excited
        excited = 0.5 * world.chance.poisson(world.calls[at])
    world.clustered = True


def heavy(world: World) -> None:
    """Durations with a tail: one in fifty takes five to fifty times as long."""
    world.tail = True
    world.slow *= _drift(world.chance, world.calls.shape, 0.15, 0.99)


def blips(world: World) -> None:
    """Single buckets of five times the calls, or of a few failures, about every other day."""
    world.calls = np.where(world.chance.random(world.calls.shape) < 1 / (2 * DAY), 5 * world.calls, world.calls)
    world.failing = np.where(world.chance.random(world.calls.shape) < 1 / (2 * DAY), 0.08, world.failing)


def batches(world: World) -> None:
    """Jobs: some groups every hour, some every night, some on Sundays; an hour's shift of all of it on day 21."""
    bucket = np.arange(len(world.calls))
    local = bucket - np.where(bucket >= 21 * DAY, 12, 0)
    jobs = (bucket % 12 < 2, bucket % DAY // 12 == 2, bucket % (7 * DAY) // 12 == 6 * 24 + 3)
    for group in range(world.calls.shape[1]):
        if group % 4 < 3:
            world.calls[jobs[group % 4], group] *= 6
    world.calls = world.calls[np.maximum(local, 0)]


def holiday(world: World) -> None:
    """Day 18 has a third of the calls, and the week after it a quarter fewer."""
    world.calls[18 * DAY : 19 * DAY] *= 0.33
    world.calls[19 * DAY : 26 * DAY] *= 0.75


def deploys(world: World) -> None:
    """Every group has a deploy on some day; a third get faster or shorter, a third stay, a third get worse for good."""
    for group in range(world.calls.shape[1]):
        at = int(world.chance.integers(LEARNING + DAY, len(world.calls) - 5 * DAY))
        world.version[at:, group] = 2
        worse = (1.0, 0.6, 1.6)[group % 3]
        series = (world.slow, world.tokens)[group // 3 % 2]
        series[at:, group] *= worse
        if worse > 1:
            told = ("latency_regression",) if group // 3 % 2 == 0 else ("prompt_creep",)
            name = "slower" if group // 3 % 2 == 0 else "longer prompts"
            world.incidents.append(Incident(f"deploy: {name}", "x1.6", told, group, at, at + 2 * DAY))


def small(world: World) -> None:
    """Nothing: the groups are small ones."""


def young(world: World) -> None:
    """Half of the groups make their first call in the third week."""
    world.calls[: LEARNING + 2 * DAY, ::2] = 0


WORLDS: dict[str, tuple[Callable[[World], None], bool, tuple[float, float]]] = {
    "steady": (steady, False, (15, 200)),
    "dispersed": (dispersed, False, (15, 200)),
    "bursty": (bursty, False, (15, 200)),
    "heavy": (heavy, False, (15, 200)),
    "small": (small, False, (1, 6)),
    "trending": (trending, True, (15, 200)),
    "blips": (blips, True, (15, 200)),
    "batches": (batches, True, (15, 200)),
    "holiday": (holiday, True, (15, 200)),
    "deploys": (deploys, True, (15, 200)),
    "young": (young, True, (15, 200)),
}
"""What is done to the seasons, whether it is a quiet world, calls an hour from and to."""

_FAILED = ("failure_spike", "rate_limit_storm")
SIZES: tuple[tuple[str, str, str, float, float, tuple[str, ...]], ...] = (
    *(("failures", f"{size:.0%}", "failing", size, 2, _FAILED) for size in (0.05, 0.1, 0.2, 0.4)),
    *(("latency", f"x{size}", "slow", size, 3, ("latency_regression",)) for size in (1.3, 1.5, 2.0, 3.0)),
    *(("fewer calls", f"x{size}", "calls", size, 3, ("traffic_drop",)) for size in (0.7, 0.5, 0.25, 0.0)),
    *(("more calls", f"x{size}", "calls", size, 3, ("traffic_surge", "cost_runaway")) for size in (1.3, 1.5, 2.0, 4.0)),
    *(("cache hits", f"x{size}", "hit", size, 8, ("cache_collapse",)) for size in (0.7, 0.5, 0.1)),
)
"""Kind, size in words, array, factor (of failures the share itself), hours, and what it may be told as."""


def _add_incidents(world: World) -> None:
    turn = int(world.chance.integers(len(SIZES)))
    for day in range(LEARNING // DAY, len(world.calls) // DAY - 1, 2):
        for group in range(world.calls.shape[1]):
            kind, size, name, factor, hours, told = SIZES[turn % len(SIZES)]
            turn += 1
            start = day * DAY + int(world.chance.integers(7 * 12, 15 * 12))
            end = start + int(hours * 12)
            values = getattr(world, name)
            values[start:end, group] = factor if name == "failing" else values[start:end, group] * factor
            world.incidents.append(Incident(kind, size, told, group, start, end))


def _calls(world: World) -> pa.Table:
    """A row per call, in order of time."""
    chance = world.chance
    counts = chance.poisson(world.calls)
    bucket, group = (np.repeat(each.ravel(), counts.ravel()) for each in np.indices(counts.shape))
    count = len(bucket)
    failed = chance.random(count) < world.failing[bucket, group] / (2 if world.clustered else 1)
    if world.clustered:  # of the calls of the same group right after one that failed, two in three fail
        order = np.lexsort((bucket, group))
        after = np.roll(failed[order], 1) & (chance.random(count) < 2 / 3)
        failed[order] |= after
    out = np.exp(chance.normal(5.3, 0.6, count))
    ms = (400 + 12 * out) * np.exp(chance.normal(0, 0.4, count)) * world.slow[bucket, group]
    if world.tail:
        ms *= np.where(chance.random(count) < 0.02, chance.uniform(5, 50, count), 1.0)
    sent = np.exp(chance.normal(7.3, 0.5, count)) * world.tokens[bucket, group]
    cached = np.where(chance.random(count) < world.hit[bucket, group], 0.8 * sent, 0.0)
    seconds = bucket * 300 + chance.uniform(0, 299, count)
    table = pa.table(
        {
            "ts": pa.array(np.datetime64(START) + (seconds * 1e6).astype("timedelta64[us]")),
            "duration_ms": ms,
            "service": np.char.add("s", group.astype(str)),
            "feature": np.full(count, "f"),
            "provider": np.char.add("p", (group % 3).astype(str)),
            "model": np.full(count, "m"),
            "user_id": np.char.add("u", chance.integers(0, 40, count).astype(str)),
            "status": np.where(failed, "error", "ok"),
            "error_type": np.where(failed, np.array(ERRORS)[group % len(ERRORS)], ""),
            "service_version": world.version[bucket, group].astype(str),
            "input_tokens": sent,
            "cached_input_tokens": cached,
            "output_tokens": np.where(failed, 0.0, out),
            "cost_usd": (sent - 0.9 * cached + 4 * np.where(failed, 0.0, out)) / 1e6,
        }
    )
    return table.sort_by("ts")


def _world(name: str, options: argparse.Namespace) -> World:
    shape, quiet, per_hour = WORLDS[name]
    chance = np.random.default_rng([options.seed, list(WORLDS).index(name)])
    world = World(chance, _season(chance, options.days, options.groups, per_hour), quiet)
    shape(world)
    if not quiet:
        _add_incidents(world)
    return world


def _bucket(moment: str) -> float:
    return (datetime.fromisoformat(moment) - START) / timedelta(minutes=5)


def _grade(world: World, alerts: list[dict]) -> tuple[dict[tuple[str, str], list[float | None]], Counter[str]]:
    """Delays in minutes by kind and size, None where it was not told; and alerts that nothing explains."""
    told = [(one["kind"], one["group"].split("/")[0], _bucket(one["detected_at"])) for one in alerts]
    found: dict[tuple[str, str], list[float | None]] = {}
    for incident in world.incidents:
        mine = [
            (at - incident.start) * 5.0
            for kind, place, at in told
            if kind in incident.told_as and place == f"s{incident.group}" and incident.start < at <= incident.end + 3
        ]
        found.setdefault((incident.kind, incident.size), []).append(min(mine, default=None))
    false = Counter(
        kind
        for kind, place, at in told
        if at > LEARNING
        and not any(one.start < at <= one.end + ECHO and place in (f"s{one.group}", "*") for one in world.incidents)
    )
    return found, false


def _run(name: str, options: argparse.Namespace) -> None:
    world = _world(name, options)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "calls.parquet"
        table = _calls(world)
        pq.write_table(table, path)
        alerts = backtest(CallFile(path, 5), 5)
    if options.out:
        (Path(options.out) / f"{name}.json").write_text(json.dumps(alerts))
    found, false = _grade(world, alerts)
    weeks = (options.days - LEARNING / DAY) / 7 * options.groups
    print(f"{name}: {WORLDS[name][0].__doc__ or ''} {table.num_rows:,} calls".replace("\n", " "))
    for (kind, size), delays in sorted(found.items()):
        known = [delay for delay in delays if delay is not None]
        middle = f", after {np.median(known):.0f} min" if known else ""
        print(f"  {kind} {size}: {len(known)} of {len(delays)}{middle}")
    print(f"  unexplained: {sum(false.values()) / weeks:.4f} per group-week {dict(false)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--groups", type=int, default=24)
    parser.add_argument("--days", type=int, default=35)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="a directory for the alerts of each world")
    options = parser.parse_args()
    for name in options.worlds.split(","):
        _run(name, options)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"load {os.getloadavg()[0]:.1f}, CPU {used.ru_utime + used.ru_stime:.0f} s, {used.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
