"""How long the review of a large month takes, from the question to the finished HTML, and what each question takes.

usage: .venv/bin/python benchmarks/review.py [--calls 5000000]

Two made-up months of that many calls each, 40 services of 2 models and 3 features, written by the store itself. The
review asks the named queries in this process, as the collector's schedule does. Best of 3 after one cold run; nothing
else should run meanwhile: the load is printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from datetime import datetime, timezone

from spanledger_collector import queries
from spanledger_collector.api.table import json_text
from spanledger_collector.review import html
from spanledger_collector.review.ledger import OwnLedger
from spanledger_collector.review.pack import Asked, collect
from spanledger_collector.review.period import Period
from spanledger_collector.store import Store

ROUNDS = 3
BLOCK = 500_000
NOW = datetime(2026, 11, 2, tzinfo=timezone.utc)
STATUS = {"prices": {"version": "made up"}, "demo": True}
FILL = """
INSERT INTO calls (start, trace_id, span_id, service, environment, provider, model, outcome, finish_reason, attempts,
    input_tokens, uncached_input_tokens, cache_read_tokens, output_tokens, reasoning_tokens,
    cost, cost_input, cost_cache_read, cost_output, cost_grade, price, feature, team, user)
WITH number % 40 AS s, (s + cityHash64(number, 1) % 2) % 12 AS m, cityHash64(number, 2) % 4096 AS cached,
    200 + cityHash64(number, 3) % 1500 AS fresh, 20 + cityHash64(number, 4) % 400 AS out,
    cityHash64(number, 5) % 100 AS luck, toDecimal128(fresh, 18) * toDecimal128('0.000002', 18) AS usd_in,
    toDecimal128(cached, 18) * toDecimal128('0.0000005', 18) AS usd_read,
    toDecimal128(out, 18) * toDecimal128('0.000008', 18) AS usd_out
SELECT fromUnixTimestamp64Nano(toInt64({first} + number * {step}), 'UTC'), toFixedString(hex(cityHash64(number)), 16),
    toFixedString(substring(hex(cityHash64(number, 6)), 1, 8), 8),
    concat('service-', toString(s)), 'production', concat('provider-', toString(m % 4)),
    concat('model-', toString(m)), if(luck < 2, 'error', 'ok'), if(luck = 5, 'length', 'stop'), if(luck > 95, 2, 1),
    cached + fresh, fresh, cached, out, intDiv(out, 4), if(luck < 3, NULL, usd_in + usd_read + usd_out),
    if(luck < 3, 0, usd_in), if(luck < 3, 0, usd_read), if(luck < 3, 0, usd_out), if(luck < 3, 'unknown', 'measured'),
    'provider/model@2026-01-01', concat('feature-', toString(s % 12 * 3 + cityHash64(number, 7) % 3)),
    concat('team-', toString(s % 3)),
    concat('user-', toString(cityHash64(number, 8) % 50000))
FROM numbers({from_}, {count})"""


def fill(store: Store, period: Period, calls: int) -> None:
    first = int(period.start.timestamp()) * 10**9
    step = int((period.end - period.start).total_seconds()) * 10**9 // calls
    for start in range(0, calls, BLOCK):
        store._writer.command(FILL.format(first=first, step=step, from_=start, count=min(BLOCK, calls - start)))  # noqa: SLF001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5_000_000)
    options = parser.parse_args()
    period = Period.parse("2026-10")
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/store")
        began = time.perf_counter()
        for each in (period.previous, period):
            fill(store, each, options.calls)
        print(
            f"{2 * options.calls:,} calls written in {time.perf_counter() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
        )
        rounds = [review(store, period) for _ in range(ROUNDS + 1)]
        print(f"review of {options.calls:,} calls: cold {rounds[0]:.2f} s, best of {ROUNDS} {min(rounds[1:]):.2f} s")
        print(f"load {os.getloadavg()[0]:.1f}")
        store.close()


def review(store: Store, period: Period) -> float:
    took: defaultdict[str, float] = defaultdict(float)

    def answer(name: str, params: dict[str, list[str]]) -> bytes:
        start = time.perf_counter()
        found = json_text(queries.run(store, name, params))
        took[name] += time.perf_counter() - start
        return found

    start = time.perf_counter()
    pack = collect(OwnLedger(answer, lambda: STATUS), Asked(period, period.previous, NOW))
    asked = time.perf_counter()
    pages = html.document(pack)
    done = time.perf_counter()
    questions = ", ".join(f"{name} {s:.2f}" for name, s in sorted(took.items(), key=lambda each: -each[1])[:5])
    print(f"  asked {asked - start:.2f} s ({questions}), pages {done - asked:.2f} s, {len(pages) // 1024} KiB")
    return done - start


if __name__ == "__main__":
    main()
