"""How much room calls take in an embedded store, how fast they go in, and how long each named query takes.

usage: .venv/bin/python benchmarks/store.py [--calls 1000000] [--written 1000000] [--days 30] [--store DIR]
       [--only NAME ...] [--rounds 7] [--all]

Made-up calls, spread evenly over the days before last midnight (UTC): 40 services of 2 models and 3 features each; 2 %
fail, 3 % have no known cost, 5 % are retried. Each brings the span that the library would have sent, with its attempts,
limits, validation and hashes of its prompt. Of them ``--written`` go in as the pipeline puts them in, as model objects
in batches; this is what the rate is of, made-up objects excluded. The others are these again, moved in time by the
engine and given ids of their own, through the same views. Sizes are told once the engine has merged.

With ``--store`` the store is kept, and one that is there already is asked at once; `spanledger collect --data DIR`
serves it. What pages ask, and the review for its page, with what they give beside the time, is timed warm, after one
cold run: best, median and least CPU time of all cores, over all days, and over all days less half an hour at both ends,
where the edges come from the calls themselves; a best above 500 ms is marked. ``--all`` times the others too, which
detectors, rules and actions ask of hours or weeks, and some of which refuse a month.
Nothing else should run meanwhile: the load is printed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import statistics
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanledger import semconv
from spanledger_collector.api.table import rfc3339
from spanledger_collector.model import Call, Cost, Span, Usage
from spanledger_collector.queries import QUERIES, run
from spanledger_collector.settings import embedded_dsn
from spanledger_collector.store import QueryRefused, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY_NS = 86_400 * 10**9
HALF_HOUR_NS = 1800 * 10**9
BATCH = 5_000
MODELS = [f"model-{number}" for number in range(12)]
ERRORS = ("RateLimitError", "APITimeoutError", "InternalServerError")
BLOCK_CHARS = 512
_SPAN_IDS = ("span_id", "parent_span_id")
ROOT = Path(__file__).parents[1]
PAGES = (*(ROOT / "dashboard").rglob("*.py"), ROOT / "collector" / "spanledger_collector" / "review" / "pack.py")
ASKED = re.compile(r"\b(?:rows|names|ask)\(\s*\"(\w+)\"")
BOUND_MS = 500
EVERY = ("service", "environment", "provider", "model", "feature", "team")
BY = ("model", "service", "feature", "provider")
# What pages give beside the time, where it is not the default.
PARAMETERS: dict[str, list[dict[str, list[str]]]] = {
    "latency": [{}, {"by": ["model"]}, {"by": ["provider"]}],
    "latest_calls": [{"limit": ["50"]}, {"limit": ["1000"]}],
    "prompt_prefixes": [{"limit": ["200"]}],
    "segments": [{}, {"by": ["environment"]}],
    "spend_by": [{"by": [key]} for key in EVERY],
    "spend_over_time": [{"bucket": ["day"]}, *({"bucket": ["day"], "by": [key]} for key in BY)],
}


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
        emitter="spanledger",
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
        attempts=chance.choice([1] * 38 + [2, 3]),
        first_chunk_ns=int(chance.lognormvariate(-1, 0.5) * 1e9) if model % 2 == 0 else None,
        usage=None if failed else usage,
        input_chars=4 * usage.input_tokens,
        output_chars=None if failed else 4 * usage.output_tokens,
        feature=feature,
        team=team,
        user=f"user-{chance.randrange(50_000)}",
        tags={"feature": feature, "team": team},
        code_file=f"/app/{feature}.py",
        code_line=chance.randrange(8) * 50,
        code_function="answer",
        cost=Cost(None, reason="no price") if failed or unpriced else priced(usage),
    )


def priced(usage: Usage) -> Cost:
    read, fresh = Decimal(usage.cache_read) * Decimal("5e-7"), Decimal(usage.uncached_input) * Decimal("2e-6")
    output = Decimal(usage.output) * Decimal("8e-6")
    total = read + fresh + output
    return Cost(total, input=fresh, cache_read=read, output=output, grade="measured", price="provider/model@2026-01-01")


def made_up_span(chance: random.Random, call: Call) -> Span:
    resource_attributes = {
        semconv.SERVICE_NAME: call.service,
        semconv.SERVICE_VERSION: call.service_version,
        semconv.ENVIRONMENT: call.environment,
        "host.name": "host-1",
    }
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
        attributes={**asked_for(chance, call), **came_back(chance, call)},
        resource=resource_attributes,
        scope="spanledger",
    )


def asked_for(chance: random.Random, call: Call) -> dict[str, Any]:
    chars = call.input_chars or 0
    system, rest = random.Random(call.feature), random.Random(chance.randrange(2**40))
    stable = min(chars, 2048) // BLOCK_CHARS
    own = (chars - stable * BLOCK_CHARS) // BLOCK_CHARS
    return {
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: call.provider,
        semconv.SERVER_ADDRESS: call.server_address,
        semconv.SERVER_PORT: 443,
        semconv.REQUEST_MODEL: call.request_model,
        semconv.REQUEST_MAX_TOKENS: 4096,
        semconv.REQUEST_TEMPERATURE: 0.2,
        semconv.REQUEST_TIMEOUT: 600.0,
        semconv.REQUEST_MAX_RETRIES: 2,
        semconv.CODE_FILE: call.code_file,
        semconv.CODE_LINE: call.code_line,
        semconv.CODE_FUNCTION: call.code_function,
        semconv.INPUT_CHARS: chars,
        semconv.FINGERPRINT_REQUEST: rest.randbytes(16).hex(),
        semconv.FINGERPRINT_SYSTEM: system.randbytes(16).hex(),
        semconv.PREFIX_BLOCK_CHARS: BLOCK_CHARS,
        semconv.PREFIX_BLOCKS: system.randbytes(6 * stable).hex() + rest.randbytes(6 * own).hex(),
        semconv.PREFIX_SECTION_CHARS: [0, stable * BLOCK_CHARS, own * BLOCK_CHARS],
        semconv.PROMPT_MESSAGES: 1,
        semconv.PROMPT_PARTS: 1,
        semconv.PROMPT_ROLES: ["system", "user"],
        semconv.PROMPT_ROLE_CHARS: [stable * BLOCK_CHARS, own * BLOCK_CHARS],
        **{semconv.TAG_PREFIX + name: value for name, value in call.tags.items()},
        semconv.TAG_PREFIX + "user": call.user,
    }


def came_back(chance: random.Random, call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {
        semconv.OUTCOME: call.outcome,
        semconv.ATTEMPTS: call.attempts,
        semconv.HTTP_STATUS: call.http_status,
        semconv.RATE_LIMIT_PREFIX + "requests.limit": 10_000,
        semconv.RATE_LIMIT_PREFIX + "requests.remaining": chance.randrange(50, 10_000, 50),
        semconv.RATE_LIMIT_PREFIX + "tokens.limit": 2_000_000,
        semconv.RATE_LIMIT_PREFIX + "tokens.remaining": chance.randrange(10_000, 2_000_000, 10_000),
    }
    if call.attempts > 1:
        told[semconv.ATTEMPT_STATUSES] = [429] * (call.attempts - 1) + [call.http_status]
        told[semconv.ATTEMPT_ERRORS] = [""] * call.attempts
        told[semconv.ATTEMPT_DURATIONS] = [round(chance.uniform(0.1, 0.4), 6) for _ in range(call.attempts)]
        told[semconv.ATTEMPT_WAITS] = [0.6] * (call.attempts - 1) + [0.0]
        told[semconv.ATTEMPT_RETRY_AFTERS] = [-1.0] * call.attempts
    if call.usage is None:
        return told | {semconv.ERROR_TYPE: call.error_type, semconv.USAGE_GRADE: "absent"}
    if call.feature.endswith("0"):
        told |= {semconv.OUTPUT_TYPE: "json", semconv.VALIDATION_SCHEMA: f"Answer of {call.feature}"}
        told |= {semconv.VALIDATION_OUTCOME: "ok"}
        if chance.random() < 0.05:
            told |= {semconv.VALIDATION_OUTCOME: "failed", semconv.VALIDATION_FIELDS: ["amount"]}
            told |= {semconv.VALIDATION_ERRORS: ["missing"]}
    return told | {
        semconv.RESPONSE_MODEL: call.model,
        semconv.RESPONSE_ID: call.response_id,
        semconv.RESPONSE_FINISH_REASONS: [call.finish_reason],
        semconv.SERVICE_TIER: call.service_tier,
        semconv.USAGE_INPUT_TOKENS: call.usage.input_tokens,
        semconv.USAGE_CACHE_READ: call.usage.cache_read,
        semconv.USAGE_OUTPUT_TOKENS: call.usage.output_tokens,
        semconv.USAGE_GRADE: "measured",
        semconv.OUTPUT_CHARS: call.output_chars,
    }


def batches(options: argparse.Namespace) -> Iterator[tuple[list[Call], list[Span]]]:
    chance = random.Random(42)
    step = options.days * DAY_NS // options.calls
    for first in range(0, options.written, BATCH):
        places = range(first, min(first + BATCH, options.written))
        calls = [made_up_call(chance, options.first_ns + place * step) for place in places]
        yield calls, [made_up_span(chance, call) for call in calls]


def fill(store: Store, options: argparse.Namespace) -> None:
    seconds = cpu = 0.0
    for number, (calls, spans) in enumerate(batches(options)):
        wall, used = time.perf_counter(), time.process_time()
        store.write(number, calls, spans)
        seconds, cpu = seconds + time.perf_counter() - wall, cpu + time.process_time() - used
    rate, per_cpu = options.written / seconds, options.written / cpu
    what = f"{options.written:,} calls with their spans in batches of {BATCH:,}"
    print(f"inserted {what}: {rate:,.0f}/s, {per_cpu:,.0f} per CPU second", flush=True)
    began = time.perf_counter()
    for copy in range(1, options.calls // options.written):
        for table in ("spans", "calls"):
            store.command(copied(store, table, copy, options), {"insert_deduplicate": 0})
    if options.calls > options.written:
        print(
            f"{options.calls - options.written:,} more by the engine in {time.perf_counter() - began:,.0f} s",
            flush=True,
        )


def _reply(of: str, copy: int) -> str:
    return f"concat('chatcmpl-', lower(hex(substring(MD5(concat({of}, '{copy}')), 1, 12))))"


def copied(store: Store, table: str, copy: int, options: argparse.Namespace) -> str:
    """A statement that writes what was written call by call once more, later and as other calls."""
    later_s = copy * options.days * 86_400 * options.written // options.calls
    first, last = options.first_ns // 10**9, options.first_ns // 10**9 + later_s // copy
    attribute = f"attributes['{semconv.RESPONSE_ID}']"
    new = {
        "segment": f"segment + {copy * 10**6}",
        "start": f"start + INTERVAL {later_s} SECOND",
        "trace_id": f"MD5(concat(trace_id, '{copy}'))",
        **{name: f"toFixedString(substring(MD5(concat({name}, '{copy}')), 1, 8), 8)" for name in _SPAN_IDS},
        "response_id": f"if(response_id = '', '', {_reply('response_id', copy)})",
        "attributes": f"mapUpdate(attributes, map('{semconv.RESPONSE_ID}', {_reply(attribute, copy)}))",
    }
    described = store.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {t:String}", {"t": table}
    )
    names = described.column("name").to_pylist()
    selected = ", ".join(f"{new[name]} AS new_{name}" if name in new else name for name in names)
    window = f"start >= toDateTime({first}, 'UTC') AND start < toDateTime({last}, 'UTC')"
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {selected} FROM {table} WHERE {window}"


def settled(store: Store) -> None:
    """Wait until the engine has nothing left to merge, for ten minutes at most."""
    quiet = 0
    for _ in range(600):
        quiet = 0 if store.query("SELECT count() AS n FROM system.merges").column("n")[0].as_py() else quiet + 1
        if quiet > 10:
            return
        time.sleep(1)


def sizes(store: Store) -> None:
    total = 0
    for table, size in store.size().items():
        if size.rows:
            print(
                f"{table:20} {size.rows:>12,} rows {size.bytes / 2**20:>9.1f} MiB {size.bytes / size.rows:>8.1f} B/row"
            )
        total += 0 if table in ("spans", "fingerprints") else size.bytes
    print(f"a call, what was seen around it and its part of all sums: {total / store.size()['calls'].rows:.1f} B")
    print(f"largest resident size {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB", flush=True)


def timed(store: Store, name: str, params: dict[str, list[str]], rounds: int) -> tuple[str, float]:
    """What to print, and the best in ms."""
    try:
        run(store, name, params)
    except QueryRefused as refused:
        return f"refused: more {refused.limit} than one answer may take", float("inf")
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        rows = run(store, name, params).num_rows
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    best = min(walls)
    return f"{best:8.1f} {statistics.median(walls):8.1f} {min(cpus):8.1f} ms {rows:>8,} rows", best


def questions(store: Store, *, others: bool) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Of pages, or all others, by name and parameters."""
    pages = {name for path in PAGES for name in ASKED.findall(path.read_text("utf-8"))}
    trace = run(store, "latest_calls", {"limit": ["1"]}).column("trace_id")[0].as_py()
    for name, query in QUERIES.items():
        if (name in pages) is others:
            continue
        required = any(parameter.name == "by" and parameter.required for parameter in query.parameters)
        default = [{"by": [key]} for key in BY] if required else [{}]
        given = {"trace": [{"trace_id": [trace]}], **PARAMETERS}
        yield from ((name, params) for params in given.get(name, default))


def ask(store: Store, options: argparse.Namespace) -> None:
    print(f"\n{'query; best, median, least CPU of all cores':48}")
    told = [best for name, params in questions(store, others=False) for best in asked(store, options, name, params)]
    print(f"{sum(best > BOUND_MS for best in told)} of {len(told)} that pages ask take more than {BOUND_MS} ms")
    if options.all:
        print("\nwhat no page asks")
        for name, params in questions(store, others=True):
            for _ in asked(store, options, name, params):
                pass


def asked(store: Store, options: argparse.Namespace, name: str, params: dict[str, list[str]]) -> Iterator[float]:
    if options.only and name not in options.only:
        return
    last = options.first_ns + options.days * DAY_NS
    whole = {"from": [rfc3339(options.first_ns)], "to": [rfc3339(last)]}
    ragged = {"from": [rfc3339(options.first_ns + HALF_HOUR_NS)], "to": [rfc3339(last - HALF_HOUR_NS)]}
    windowed = any(parameter.name == "from" for parameter in QUERIES[name].parameters)
    for label, window in (("whole", whole), ("ragged", ragged)) if windowed else (("", {}),):
        given = (f"{key}={value[0]}" for key, value in params.items() if key != "trace_id")
        told, best = timed(store, name, params | window, options.rounds)
        over = f"  over {BOUND_MS} ms" if best > BOUND_MS else ""
        print(f"{' '.join([name, *given, label]):48} {told}{over}", flush=True)
        yield best


@contextmanager
def directory(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="spanledger-benchmark-") as folder:
            yield Path(folder)


def first_of(store: Store, days: int) -> int:
    """The first day, of what is stored or of what will be; UTC nanoseconds."""
    stored = store.query("SELECT count() AS n, toUnixTimestamp64Nano(min(start)) AS first FROM calls").to_pylist()[0]
    midnight = int(datetime.now(timezone.utc).timestamp() // 86_400 * DAY_NS)
    return stored["first"] if stored["n"] else midnight - days * DAY_NS


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--written", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args(arguments)
    options.written = min(options.written, options.calls)
    if options.calls % options.written:
        parser.error(f"--calls {options.calls} is no multiple of --written {options.written}")
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}", flush=True)
    with directory(options.store) as folder:
        store = Store.open(embedded_dsn(folder))
        options.first_ns = first_of(store, options.days)
        if not store.size()["calls"].rows:
            fill(store, options)
            settled(store)
        sizes(store)
        ask(store, options)
        store.close()


if __name__ == "__main__":
    main()
