"""The page of capacity shows what the simulation says, and the simulation still says it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / "benchmarks" / "capacity.json").read_text())


@pytest.fixture(scope="module")
def capacity():
    folder = ROOT / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("capacity", folder / "capacity.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))


def test_the_page_shows_the_tables_of_what_is_kept(capacity):
    text = (ROOT / "docs" / "capacity.md").read_text()
    assert text.count("made by benchmarks/capacity.py") == 1
    assert capacity.page(text, KEPT) == text


def test_what_is_kept_follows_from_its_costs_and_this_model(capacity):
    """Run benchmarks/capacity.py --simulate after a change of either."""
    assert KEPT["of"] == capacity.digest(KEPT)


def test_simulated_again_the_results_are_the_same(capacity):
    again = capacity.simulated(KEPT, rates=(10, 100))
    assert again["again"] == KEPT["results"]["again"]
    assert again["growing"] == KEPT["results"]["growing"][:2]


def test_a_machine_of_half_the_cores_falls_behind(capacity):
    """The model is no formula of the rate alone: less of what it models, and the queue grows."""
    costs = capacity.Costs.of(KEPT["costs"])
    lags = [
        capacity.simulate(costs, capacity.Scene(2_000, 500, 20, cores=cores, connections=4))["lag_p99_s"]
        for cores in (2, 0.25)
    ]
    assert lags[1] > 5 * lags[0]


def test_cores_are_shared_and_none_is_used_twice(capacity):
    """On one core two Python jobs take turns in half of it, the engine has the other half."""
    env = capacity.capacity_model.simpy.Environment()
    machine = capacity.capacity_model.Machine(env, cores=1)
    python, _, engine = (machine.run(1.0, is_python=is_python) for is_python in (True, True, False))
    env.run(engine)
    assert env.now == pytest.approx(2.0)
    env.run(python)
    assert (env.now, machine.used) == (pytest.approx(3.0), pytest.approx(3.0))


def test_figures_are_read_from_a_report_of_the_benchmark(capacity):
    import capacity_measure

    told = """480,000 spans in 60.0 s: 8,000 spans/s acknowledged, refused 0
all of them arrived 11.7 s after the last: 6,693 spans/s end to end
ack p50 78 ms, p99 222 ms, max 300 ms
server CPU 0.212 s per 1,000 spans (4,717 spans per CPU second)"""
    assert capacity_measure.read(told) == {
        "end_to_end": 6693.0,
        "lag_after_last_s": 11.7,
        "ack_p50_ms": 78.0,
        "ack_p99_ms": 222.0,
        "cpu_us_span": pytest.approx(212.0),
    }


def test_every_rate_of_the_promise_is_a_row(capacity):
    rates = [each["rate"] for each in KEPT["results"]["growing"]]
    assert rates == [10, 100, 1_000, 3_000, 10_000]
    assert all(each["lag_p99_s"] <= capacity.MOST_LAG_S for each in KEPT["results"]["growing"])
    assert re.search(r"were not run", (ROOT / "docs" / "capacity.md").read_text())
