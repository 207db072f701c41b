"""What evaluating every built-in rule costs a collector, the store's queries included.

usage: .venv/bin/python benchmarks/alerts_live.py [--groups 500] [--calls 1500000] [--days 30] [--store DIR]

An embedded store of so many groups and days of made-up calls (those of ``benchmarks/store.py``, at other places) is
learned from, as at a first start; then an hour goes by, in the ticks of half a minute that the collector makes. Told:
CPU seconds of the whole process, ClickHouse's threads included, by minute of that hour, and the memory that evaluating
adds. With ``--store`` the store is kept, and one that is there already is used.
"""

from __future__ import annotations

import argparse
import functools
import gc
import os
import random
import statistics
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import store as made_up

from spanledger_collector import queries
from spanledger_collector.alerts import Alerting
from spanledger_collector.alerts.anomalies import Anomalies
from spanledger_collector.alerts.budget_burn import BudgetBurn
from spanledger_collector.alerts.snapshot import Snapshot
from spanledger_collector.alerts.spend import Spend
from spanledger_collector.alerts.users import Users
from spanledger_collector.settings import embedded_dsn
from spanledger_collector.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.model import Call

TICK = timedelta(seconds=30)


def fill(store: Store, options: argparse.Namespace) -> None:
    chance = random.Random(7)
    step = options.days * made_up.DAY_NS // options.calls
    for first in range(0, options.written, made_up.BATCH):
        places = range(first, min(first + made_up.BATCH, options.written))
        store.write(first, [_call(chance, options.first_ns + place * step, options.groups) for place in places], [])
    for copy in range(1, options.calls // options.written):
        store.command(made_up.copied(store, "calls", copy, options), {"insert_deduplicate": 0})
    made_up.settled(store)


def _call(chance: random.Random, start_ns: int, groups: int) -> Call:
    call, group = made_up.made_up_call(chance, start_ns), chance.randrange(groups)
    call.service, call.feature = f"service-{group // 5}", f"feature-{group % 5}"
    call.provider, call.model = f"provider-{group % 4}", f"model-{group % 12}"
    return call


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def minutes(alerting: Alerting, start: datetime) -> Iterator[float]:
    """CPU seconds of each minute of the hour."""
    for minute in range(60):
        used = time.process_time()
        for tick in range(2):
            alerting.tick(start + timedelta(minutes=minute) + tick * TICK)
        yield time.process_time() - used


def _learn(anomalies: Anomalies, now: datetime) -> None:
    began, used = time.perf_counter(), time.process_time()
    anomalies.judge(now)
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    print(f"learning the past: {cpu:.0f} CPU s, {wall:.0f} s", flush=True)


def measure(store: Store, kept: Path) -> None:
    run_query = functools.partial(queries.run, store)
    last = store.query("SELECT toUnixTimestamp(max(start)) AS last FROM calls").to_pylist()[0]["last"]
    now = datetime.fromtimestamp(last // 3600 * 3600, timezone.utc) - timedelta(hours=1)
    gc.collect()
    before = resident_mib()
    anomalies = Anomalies(run_query, patience_s=float("inf"), snapshot=Snapshot(kept, "benchmark"))
    _learn(anomalies, now)
    rules = (anomalies, Spend(run_query), Users(run_query), BudgetBurn(run_query))
    alerting = Alerting(run_query=run_query, save=store.insert, delivered=lambda _: None, rules=rules)
    alerting.tick(now)
    spent = list(minutes(alerting, now + TICK))
    print(
        f"CPU of a minute: mean {statistics.mean(spent):.2f} s, median {statistics.median(spent):.2f} s, "
        f"worst {max(spent):.2f} s"
    )
    print(f"memory: {before:.0f} MiB before, {resident_mib() - before:+.0f} MiB after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=500)
    parser.add_argument("--calls", type=int, default=1_500_000)
    parser.add_argument("--written", type=int, default=150_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--store", type=Path)
    options = parser.parse_args()
    with made_up.directory(options.store) as folder:
        store = Store.open(embedded_dsn(folder))
        options.first_ns = made_up.first_of(store, options.days)
        if not store.size()["calls"].rows:
            fill(store, options)
        print(f"load {os.getloadavg()[0]:.1f}, {store.size()['calls'].rows:,} calls", flush=True)
        (folder / "snapshot").unlink(missing_ok=True)
        measure(store, folder / "snapshot")
        store.close()


if __name__ == "__main__":
    main()
