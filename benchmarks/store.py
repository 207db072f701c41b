"""How fast calls go into an embedded store, how much room they take, and how long each named query takes.

usage: .venv/bin/python benchmarks/store.py [--calls 1000000] [--batch 5000] [--days 30] [--spans]

Made-up calls, spread evenly over the days: 40 services of 2 models and 3 features each; 2 % fail, 3 % have no known
cost. Inserts are timed from model objects to a synced part, made-up objects excluded; with --spans each call brings its
span of 25 attributes. Queries are timed warm (best and median of 7 after one cold run) over all days and over all days
less half an hour at both ends, where the edges come from the calls themselves. Nothing else should run meanwhile: the
load is printed.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import tempfile
import time
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from spanledger_collector.api.table import rfc3339
from spanledger_collector.model import Call, Cost, Span, Usage
from spanledger_collector.queries import QUERIES, run
from spanledger_collector.store import QueryRefused, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST = int(datetime(2026, 10, 1, tzinfo=timezone.utc).timestamp()) * 10**9
DAY_NS = 86_400 * 10**9
HALF_HOUR_NS = 1800 * 10**9
MODELS = [f"model-{number}" for number in range(12)]
ERRORS = ("RateLimitError", "APITimeoutError", "InternalServerError")
ROUNDS = 7


def made_up_call(chance: random.Random, start_ns: int) -> Call:
    service = chance.randrange(40)
    model = (service + chance.randrange(2)) % 12
    cached, fresh = chance.choice([0, 0, 1024, 4096]), int(chance.lognormvariate(6.5, 1))
    usage = Usage(fresh, cached, output=int(chance.lognormvariate(5.2, 0.9)))
    failed, unpriced = chance.random() < 0.02, chance.random() < 0.03
    feature, team = f"feature-{service % 12 * 3 + chance.randrange(3)}", f"team-{service % 3}"
    return Call(
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(8),
        parent_span_id=chance.randbytes(8),
        start_ns=start_ns,
        duration_ns=int(chance.lognormvariate(0.3, 0.8) * 1e9),
        dialect="otel_genai",
        service=f"service-{service}",
        service_version=f"1.{service % 5}.0",
        environment="production",
        provider=f"provider-{model % 4}",
        server_address=f"api.provider-{model % 4}.com",
        operation="chat",
        request_model=MODELS[model],
        model=MODELS[model],
        response_id=f"chatcmpl-{chance.randbytes(12).hex()}",
        stream=model % 2 == 0,
        outcome="error" if failed else "ok",
        error_type=chance.choice(ERRORS) if failed else "",
        http_status=429 if failed else 200,
        finish_reason="stop",
        service_tier="default",
        attempts=chance.choice([1] * 20 + [2, 3]),
        first_chunk_ns=int(chance.lognormvariate(-1, 0.5) * 1e9) if model % 2 == 0 else None,
        usage=None if failed else usage,
        feature=feature,
        team=team,
        user=f"user-{chance.randrange(50_000)}",
        tags={"feature": feature, "team": team},
        code_file=f"/app/{feature}.py",
        code_line=chance.randrange(400),
        code_function="answer",
        cost=Cost(None, reason="no price") if failed or unpriced else priced(usage),
    )


def priced(usage: Usage) -> Cost:
    read, fresh = Decimal(usage.cache_read) * Decimal("5e-7"), Decimal(usage.uncached_input) * Decimal("2e-6")
    output = Decimal(usage.output) * Decimal("8e-6")
    total = read + fresh + output
    return Cost(total, input=fresh, cache_read=read, output=output, grade="measured", price="provider/model@2026-01-01")


def made_up_span(call: Call) -> Span:
    attributes = {f"gen_ai.attribute.{n}": f"value {n} of {call.model}" if n % 2 else n for n in range(24)}
    resource_attributes = {"service.name": call.service, "service.version": call.service_version, "host.name": "host-1"}
    return Span(
        trace_id=call.trace_id,
        span_id=call.span_id,
        parent_span_id=call.parent_span_id,
        name=f"chat {call.model}",
        kind=3,
        start_ns=call.start_ns,
        end_ns=call.start_ns + call.duration_ns,
        status=2 if call.error_type else 1,
        status_message="",
        attributes={**attributes, "gen_ai.response.id": call.response_id},
        resource=resource_attributes,
        scope="spanledger",
    )


def batches(count: int, size: int, days: int) -> Iterator[list[Call]]:
    chance = random.Random(42)
    step = days * DAY_NS // count
    for first in range(0, count, size):
        places = range(first, min(first + size, count))
        yield [made_up_call(chance, FIRST + place * step) for place in places]


def fill(store: Store, options: argparse.Namespace) -> None:
    seconds = cpu = 0.0
    for number, calls in enumerate(batches(options.calls, options.batch, options.days)):
        spans = [made_up_span(call) for call in calls] if options.spans else []
        wall, used = time.perf_counter(), time.process_time()
        store.write(number, calls, spans)
        seconds, cpu = seconds + time.perf_counter() - wall, cpu + time.process_time() - used
    rate, per_cpu = options.calls / seconds, options.calls / cpu
    what = f"{options.calls:,} calls{' with their spans' if options.spans else ''}"
    print(f"inserted {what} in batches of {options.batch:,}: {rate:,.0f}/s, {per_cpu:,.0f} per CPU second")


def sizes(store: Store) -> None:
    for table, size in store.size().items():
        if size.rows:
            print(
                f"{table:20} {size.rows:>12,} rows {size.bytes / 2**20:>9.1f} MiB {size.bytes / size.rows:>8.1f} B/row"
            )
    print(f"largest resident size {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def timed(store: Store, name: str, params: dict[str, list[str]]) -> str:
    try:
        run(store, name, params)
    except QueryRefused as refused:
        return f"refused: more {refused.limit} than one answer may take"
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        rows = run(store, name, params).num_rows
        times.append((time.perf_counter() - start) * 1000)
    return f"{min(times):8.1f} {statistics.median(times):8.1f} ms {rows:>8,} rows"


def questions(store: Store) -> Iterator[tuple[str, dict[str, list[str]]]]:
    trace = run(store, "latest_calls", {"limit": ["1"]}).column("trace_id")[0].as_py()
    for name, query in QUERIES.items():
        parameters = {parameter.name for parameter in query.parameters}
        if name == "trace":
            yield name, {"trace_id": [trace]}
            continue
        if name != "spend_by":
            yield name, {}
        if "by" in parameters:
            yield name, {"by": ["model"]}


def ask(store: Store, days: int) -> None:
    last = FIRST + days * DAY_NS
    whole = {"from": [rfc3339(FIRST)], "to": [rfc3339(last)]}
    ragged = {"from": [rfc3339(FIRST + HALF_HOUR_NS)], "to": [rfc3339(last - HALF_HOUR_NS)]}
    print(f"\n{'query, best and median':44}")
    for name, params in questions(store):
        windowed = any(parameter.name == "from" for parameter in QUERIES[name].parameters)
        for label, window in (("whole", whole), ("ragged", ragged)) if windowed else (("", {}),):
            title = " ".join([name, *(f"{key}={value[0]}" for key, value in params.items() if key == "by"), label])
            print(f"{title:44} {timed(store, name, params | window)}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--spans", action="store_true")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="spanledger-benchmark-") as folder:
        store = Store.open(f"chdb://{folder}/store")
        fill(store, options)
        sizes(store)
        ask(store, options.days)
        store.close()


if __name__ == "__main__":
    main()
