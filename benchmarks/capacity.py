"""How many collectors so many calls a second need: simulated from measured costs, compared with what was run.

usage: .venv/bin/python benchmarks/capacity.py                 print the tables of docs/capacity.md from capacity.json
       .venv/bin/python benchmarks/capacity.py --simulate      simulate again and rewrite capacity.json and the page
       .venv/bin/python benchmarks/capacity.py --measure       measure costs and the runs to compare with, and simulate

--measure takes some seven minutes and wants a machine with nothing else to do; its load is written down beside the
figures. The model is capacity_model.py, the measuring capacity_measure.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import re
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import capacity_model
from capacity_model import PEAK, Costs, Scene, simulate

HERE = Path(__file__).parent
KEPT = HERE / "capacity.json"
PAGE = HERE.parent / "docs" / "capacity.md"
RATES = (10, 100, 1_000, 3_000, 10_000)  # calls a second, the day's mean
MINUTES = 5.0  # of the busiest hour, one of them a burst
MOST_LAG_S, MOST_ACK_MS = 60.0, 1_000.0  # of 99 in 100; an exporter gives a request up after 10 s
SERVICE_RATE = 10.0  # calls a second of one process, which sends every second
EMBEDDED_UP_TO = 1_000  # beyond, the engine is a server of its own
CALL_BYTES, SPAN_BYTES = 115, 1_150  # on disk after merges: benchmarks/store.py
PAGES_CORES = 0.2  # assumed: what people look at
SHOWN = {
    "end_to_end": "{:,.0f}",
    "lag_after_last_s": "{:.1f} s",
    "ack_p50_ms": "{:,.0f} ms",
    "ack_p99_ms": "{:,.0f} ms",
    "cores_used": "{:.2f}",
}
ROUNDED = {"ack": 0, "lag": 1, "log": 0, "end": 0, "spa": 0, "col": 2, "sto": 2}


def scene(rate: float, collectors: int) -> Scene:
    """One of so many collectors, its services and its part of the server. A server has a core for each collector, at
    least two.
    """
    share = rate / collectors
    batch = max(1, round(min(share, SERVICE_RATE)))
    whole = Scene(rate=share, spans_request=batch, seconds=60 * MINUTES, pages_cores=PAGES_CORES / collectors)
    return whole if rate <= EMBEDDED_UP_TO else replace(whole, store_cores=max(2, collectors) / collectors)


def fewest(costs: Costs, rate: float) -> dict[str, float]:
    """The least number of collectors with which 99 of 100 requests of the busiest hour are acknowledged within 1 s, and
    99 of 100 spans queryable within 60 s.
    """
    python = costs.http_span + costs.read_span + costs.columns_span + costs.http_request / SERVICE_RATE
    collectors = max(1, math.ceil(rate * PEAK * python / 1e6))
    while True:
        found = simulate(costs, scene(rate, collectors))
        if collectors >= 100 or (found["lag_p99_s"] <= MOST_LAG_S and found["ack_p99_ms"] <= MOST_ACK_MS):
            return {"rate": rate, "collectors": collectors, **rounded(found)}
        collectors += 1


def fitted(costs: Costs, run: dict[str, Any]) -> float:
    """The turns of a write with which the model stores as many spans a second as this run did."""
    least, most = 0.0, 400.0
    for _ in range(12):
        turns = (least + most) / 2
        found = again(replace(costs, write_turns=turns), run)["end_to_end"]
        least, most = (turns, most) if found > run["end_to_end"] else (least, turns)
    return round(most, 1)


def rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, ROUNDED[name[:3]]) for name, value in found.items()}


def again(costs: Costs, run: dict[str, Any]) -> dict[str, float]:
    """What the model says of a run of benchmarks/ingest.py."""
    found = simulate(costs, Scene(run["rate"], 500, run["seconds"], cores=run["cores"], connections=4))
    return rounded(found)


def digest(kept: dict[str, Any]) -> str:
    """Of what the results follow from."""
    told = json.dumps([kept["costs"], kept["runs"]], sort_keys=True).encode()
    return hashlib.sha256(told + Path(capacity_model.__file__).read_bytes() + _rules()).hexdigest()


def _rules() -> bytes:
    return repr((RATES, MINUTES, MOST_LAG_S, MOST_ACK_MS, SERVICE_RATE, EMBEDDED_UP_TO, PAGES_CORES)).encode()


def simulated(kept: dict[str, Any], rates: tuple[float, ...] = RATES) -> dict[str, Any]:
    costs = Costs.of(kept["costs"])
    return {"again": [again(costs, run) for run in kept["runs"]], "growing": [fewest(costs, rate) for rate in rates]}


def tables(kept: dict[str, Any]) -> str:
    """The three tables of the page."""
    return "\n".join([*_of_costs(kept), "", *_of_runs(kept), "", *_of_growth(kept)])


def _of_costs(kept: dict[str, Any]) -> list[str]:
    units = {"ms": "ms", "bytes": "B", "turns": "times"}
    rows = [
        f"| `{name}` | {each['value']:,g} {units.get(name.split('_')[-1], 'µs of CPU')} | {each['from']} |"
        for name, each in kept["costs"].items()
    ]
    told = f"Costs as measured on {kept['costs_when']}:"
    return [told, "", "| cost | measured | from |", "|---|---|---|", *rows]


def _of_runs(kept: dict[str, Any]) -> list[str]:
    head = "| run of `benchmarks/ingest.py` | | stored, spans/s | lag after the last | ack p50 | ack p99 | cores used |"
    found = [head, "|---" * 7 + "|"]
    for run, model in zip(kept["runs"], kept["results"]["again"], strict=True):
        measured = {**run, "cores_used": run["cpu_us_span"] * run["end_to_end"] / 1e6}
        simulated = {**model, "cores_used": model["collector_use"] * run["cores"]}
        found.append(_row(f"`--rate {run['rate']:g} --seconds {run['seconds']:g}`: {run['how']}", "measured", measured))
        found.append(_row("", "simulated", simulated))
        errors = (f"{round(100 * (simulated[name] / measured[name] - 1)):+d} %" for name in SHOWN)
        found.append(f"| | error | {' | '.join(errors)} |")
    return found


def _row(name: str, kind: str, of: dict[str, Any]) -> str:
    return f"| {name} | {kind} | {' | '.join(form.format(of[key]) for key, form in SHOWN.items())} |"


def _of_growth(kept: dict[str, Any]) -> list[str]:
    heads = (
        "simulated: calls/s, mean of the day",
        "collectors",
        "cores they use",
        "cores the store uses",
        "lag p50, p99",
        "ack p50, p99",
        "log at most, each",
        "calls' disk a day, 30 days",
        "with their spans",
    )
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *map(_grown, kept["results"]["growing"])]


def _grown(each: dict[str, float]) -> str:
    rate, count = each["rate"], each["collectors"]
    own = each["collector_use"] * Scene.cores * count
    place = scene(rate, int(count))
    store = f"{each['store_use'] * place.store_cores * count:.1f}" if place.store_cores else "the same"
    calls, spans = (rate * 86_400 * size / 1e9 for size in (CALL_BYTES, CALL_BYTES + SPAN_BYTES))
    return (
        f"| {rate:,g} | {count:g} | {own:.2f} | {store} | {each['lag_p50_s']:.1f} s, {each['lag_p99_s']:.1f} s | "
        f"{each['ack_p50_ms']:.0f} ms, {each['ack_p99_ms']:.0f} ms | {each['log_most_mib']:,.0f} MiB | "
        f"{calls:,.1f} GB, {30 * calls:,.0f} GB | {spans:,.0f} GB, {30 * spans:,.0f} GB |"
    )


def page(text: str, kept: dict[str, Any]) -> str:
    """The page with these tables between its marks."""
    made = f"<!-- made by benchmarks/capacity.py -->\n{tables(kept)}\n<!-- end -->"
    return re.sub(r"<!-- made by benchmarks/capacity.py -->\n.*?<!-- end -->", lambda _: made, text, flags=re.DOTALL)


def measured() -> dict[str, Any]:
    import capacity_measure

    when, load = f"{datetime.now(timezone.utc):%Y-%m-%d}", os.getloadavg()[0]
    how = f"{when}, {os.cpu_count()} cores, load {load:.0f} before"
    runs = []
    for rate in (1_000, 4_000, 8_000):
        found = capacity_measure.benchmark(rate, 60)
        runs.append({"rate": rate, "seconds": 60, "cores": os.cpu_count(), "how": how, **found})
    kept = {"costs_when": how, "costs": capacity_measure.costs(), "runs": runs}
    return fit(kept)


def fit(kept: dict[str, Any]) -> dict[str, Any]:
    """The one cost that is not measured, from the fastest run."""
    fastest = max(kept["runs"], key=lambda run: run["rate"])
    costs = {**kept["costs"], "write_turns": {"value": 0.0, "from": "fitted to the fastest run"}}
    costs["write_turns"]["value"] = fitted(Costs.of(costs), fastest)
    return {**kept, "costs": costs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--simulate", action="store_true")
    options = parser.parse_args()
    kept = measured() if options.measure else json.loads(KEPT.read_text())
    if options.measure or options.simulate:
        kept["results"] = simulated(kept)
        kept["of"] = digest(kept)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        PAGE.write_text(page(PAGE.read_text(), kept))
    elif kept["of"] != digest(kept):
        sys.exit("the results kept are of other costs or another model: run with --simulate")
    print(tables(kept))


if __name__ == "__main__":
    main()
