"""How long the anomaly rules take: a step of the engine over many cells, and learning the stored past at a start.

usage: .venv/bin/python benchmarks/alerts.py [--cells 500] [--days 14] [--bad 20]

Made-up facts with daily seasons; in the last hour ``--bad`` cells fail, the worst a step meets. A step covers five
minutes of wall time and is what the collector does live; times are of the engine alone, memory is the peak of the
process with Python and NumPy. The figures of false and missed alerts come from
``spanledger alerts backtest --calls calls.parquet --events events.csv --out alerts.json`` (docs/alerts.md).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from spanledger_collector.alerts.anomaly.engine import Engine
from spanledger_collector.alerts.anomaly.facts import AT, MEASURES, Bucket, Cell, ErrorType, Places
from spanledger_collector.alerts.snapshot import Snapshot

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
STEP = timedelta(minutes=5)
HOUR = 12  # steps


def fleet(cells: int) -> Places:
    places = Places()
    for number in range(cells):
        places.cell(Cell(f"service-{number // 5}", f"feature-{number % 5}", f"provider-{number % 4}", "model"))
    places.error(ErrorType("InternalServerError", 500))
    return places


def facts(chance: np.random.Generator, cells: int, at: datetime, bad: int) -> np.ndarray:
    values = np.zeros((MEASURES, cells))
    calls = chance.poisson(8 * (1.5 + np.sin(at.hour / 24 * 2 * np.pi)), cells)
    failed = chance.binomial(calls, np.where(np.arange(cells) < bad, 0.6, 0.004))
    well = calls - failed
    values[AT["calls"]], values[len(AT)] = calls, failed
    for name, mean in (("log_ms", 7.5), ("log_out", 5.0), ("log_in", 7.0)):
        values[AT[name]] = well * mean + np.sqrt(well) * 0.4 * chance.standard_normal(cells)
        values[AT[f"{name}2"]] = values[AT[name]] ** 2 / np.maximum(well, 1) + 0.16 * well
    values[AT["log_ms_out"]] = values[AT["log_ms"]] * 5.0
    values[AT["timed"]] = values[AT["sized"]] = well
    values[AT["hits"]] = chance.binomial(well, 0.6)
    values[AT["uncached_tokens"]], values[AT["output_tokens"]] = well * 1100.0, well * 150.0
    values[AT["cost"]] = well * 0.003
    return values


def _snapshot(engine: Engine) -> None:
    """Written once an hour, read at a start."""
    with tempfile.TemporaryDirectory() as place:
        kept = Snapshot(Path(place) / "kept", "benchmark")
        began = time.process_time()
        kept.write(engine)
        written = time.process_time()
        kept.read()
        size = (Path(place) / "kept").stat().st_size / 2**20
        read = time.process_time() - written
        print(f"snapshot: {size:.0f} MiB, written in {written - began:.2f} CPU s, read in {read:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--bad", type=int, default=20)
    options = parser.parse_args()
    engine, chance, at = Engine(fleet(options.cells)), np.random.default_rng(1), START
    spent: list[tuple[float, float]] = []
    steps = options.days * 24 * HOUR
    for step in range(steps):
        at += STEP
        bucket = Bucket(at, facts(chance, options.cells, at, options.bad if step >= steps - HOUR else 0))
        began, began_cpu = time.perf_counter(), time.process_time()
        engine.step(bucket)
        spent.append((time.perf_counter() - began, time.process_time() - began_cpu))
    print(f"load {os.getloadavg()[0]:.1f}, {options.cells} cells, {options.days} days of history")
    for name, some in (("step", spent), (f"step with {options.bad} cells failing", spent[-HOUR:])):
        wall, cpu = ([one[place] * 1e3 for one in some] for place in (0, 1))
        median = f"median {statistics.median(wall):.1f} ms (CPU {statistics.median(cpu):.1f})"
        print(f"{name}: {median}, worst {max(wall):.0f} ms (CPU {max(cpu):.0f})")
    print(
        f"learning {options.days} days: {sum(one[0] for one in spent):.1f} s (CPU {sum(one[1] for one in spent):.1f})"
    )
    _snapshot(engine)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    print(f"incidents under way: {len(engine.incidents.active)}")


if __name__ == "__main__":
    main()
