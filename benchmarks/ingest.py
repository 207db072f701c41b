"""How many spans a second one collector takes from acknowledged to queryable, and what it costs.

usage: .venv/bin/python benchmarks/ingest.py [--rate 8000] [--seconds 60] [--agent] [--batch 500] [--connections 4]

Starts `spanledger collect` (with --agent: the forwarding sidecar, before a sink of its own) on a new directory and
sends it LLM chat spans of 25 attributes and 1.2 KB over OTLP/HTTP, each request acknowledged after its fsync. --rate 0
sends as fast as the acknowledgements come. Every request carries new ids and times. At the end it waits until all is
queryable (forwarded) and checks the counts: spans, calls, rollup, sums. CPU is the server's alone, per 1,000 spans:
on a machine that does other things too it is the figure to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

MODELS = (
    ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
    ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
    ("openai", "o3-2025-04-16", "o3"),
    ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4"),
    ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku"),
    ("gcp.vertex_ai", "gemini-2.5-pro", "gemini-2.5-pro"),
    ("gcp.vertex_ai", "gemini-2.5-flash", "gemini-2.5-flash"),
    ("mistral_ai", "mistral-large-2411", "mistral-large"),
    ("deepseek", "deepseek-chat", "deepseek-chat"),
)
WORDS = ("the", "customer", "order", "refund", "policy", "invoice", "please", "summarize", "document", "answer", "tool")
FAILURES = ("rate_limit_exceeded", "timeout", "500", "content_filter")
TEMPLATES = 24  # different requests, sent in turn
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(item)) for key, item in attributes.items()]


def any_value(item: Any) -> AnyValue:
    if isinstance(item, list):
        return AnyValue(array_value=ArrayValue(values=map(any_value, item)))
    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(item)]
    return AnyValue(**{kind: item})


def text(chance: random.Random, shortest: int, longest: int) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(shortest, longest)))


def chat_attributes(chance: random.Random, provider: str, answered: str, asked: str) -> dict[str, Any]:
    tokens, written = int(chance.lognormvariate(6.5, 1)), int(chance.lognormvariate(5.2, 0.9))
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.system": provider,
        "gen_ai.request.model": asked,
        "gen_ai.response.model": answered,
        "gen_ai.response.id": f"chatcmpl-{chance.randbytes(12).hex()}",
        "gen_ai.request.temperature": chance.choice([0.0, 0.2, 0.7, 1.0]),
        "gen_ai.request.max_tokens": chance.choice([256, 1024, 4096]),
        "gen_ai.request.top_p": 1.0,
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": written,
        "gen_ai.usage.cache_read.input_tokens": int(tokens * chance.choice([0, 0, 0.5, 0.9])),
        "gen_ai.usage.reasoning.output_tokens": chance.choice([0, 0, 0, written // 2]),
        "gen_ai.response.finish_reasons": [chance.choice(["stop", "stop", "length", "tool_calls"])],
        "gen_ai.server.time_to_first_token": round(chance.lognormvariate(-1, 0.5), 4),
        "gen_ai.conversation.id": f"conv-{chance.randrange(200_000):06d}",
        "server.address": f"api.{provider}.com",
        "server.port": 443,
        "user.id": f"u-{chance.randrange(50_000):05d}",
        "app.feature": f"feature-{chance.randrange(40):02d}",
        "app.tenant": f"tenant-{chance.randrange(300):03d}",
        "gen_ai.prompt.hash": chance.randbytes(8).hex(),
        "gen_ai.streaming": chance.random() < 0.7,
        "gen_ai.prompt.preview": text(chance, 8, 20),
        "gen_ai.completion.preview": text(chance, 6, 16),
    }


def chat_span(chance: random.Random) -> Span:
    model = chance.choice(MODELS)
    start, failed = chance.randrange(10**9), chance.random() < 0.02
    attributes = chat_attributes(chance, *model) | ({"error.type": chance.choice(FAILURES)} if failed else {})
    span = Span(
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(8),
        parent_span_id=chance.randbytes(8) if chance.random() < 0.6 else b"",
        name=f"chat {model[2]}",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=2**62 + chance.getrandbits(61),  # replaced when sent; now findable in the bytes
        end_time_unix_nano=2**62 + chance.getrandbits(61),
        attributes=pairs(attributes),
    )
    if failed:
        span.status.code, span.status.message = 2, text(chance, 8, 8)
    if start % 5 == 0:
        span.events.add(name="gen_ai.choice", attributes=pairs({"index": 0, "finish_reason": "stop"}))
    return span


def service(chance: random.Random, spans: int) -> ResourceSpans:
    found = ResourceSpans()
    attributes = {
        "service.name": f"service-{chance.randrange(200):03d}",
        "service.version": f"1.{chance.randrange(20)}.0",
        "deployment.environment.name": chance.choice(["prod", "staging"]),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.37.0",
        "host.name": f"ip-10-0-{chance.randrange(20)}-{chance.randrange(250)}",
    }
    found.resource.attributes.extend(pairs(attributes))
    scope = found.scope_spans.add()
    scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.openai_v2", "2.1b0"
    scope.spans.extend(chat_span(chance) for _ in range(spans))
    return found


class Template:
    """One request's bytes, and where in them each span's ids and times stand."""

    def __init__(self, chance: random.Random, spans: int) -> None:
        request, left = ExportTraceServiceRequest(), spans
        while left:
            take = min(left, chance.randint(20, 80))
            request.resource_spans.append(service(chance, take))
            left -= take
        self._body = bytearray(request.SerializeToString(deterministic=True))
        self._places = list(map(self._places_of, (s for r in request.resource_spans for s in r.scope_spans[0].spans)))

    def _places_of(self, span: Span) -> tuple[int, int, int, int]:
        times = (struct.pack("<Q", each) for each in (span.start_time_unix_nano, span.end_time_unix_nano))
        trace, of_span, start, end = map(self._body.find, (span.trace_id, span.span_id, *times))
        return trace, of_span, start, end

    def fresh(self) -> bytes:
        """The same request with new ids, just ended."""
        body, now, ids = self._body, time.time_ns(), os.urandom(24 * len(self._places))
        start, end = struct.pack("<Q", now - 2 * 10**9), struct.pack("<Q", now)
        for place, (trace, span, began, ended) in enumerate(self._places):
            at = 24 * place
            body[trace : trace + 16] = ids[at : at + 16]
            body[span : span + 8] = ids[at + 16 : at + 24]
            body[began : began + 8], body[ended : ended + 8] = start, end
        return bytes(body)


@dataclass
class Load:
    """Requests sent by some connections, each as often as it is its turn."""

    url: str
    batch: int
    rate: float  # spans a second, all connections together; 0: as fast as they are acknowledged
    seconds: float
    templates: list[Template]
    acks: list[float] = field(default_factory=list)  # seconds
    refused: int = 0
    turn: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, connections: int) -> float:
        """Seconds from the first to the last."""
        self.began = time.perf_counter()
        threads = [threading.Thread(target=self._send) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - self.began

    def _next(self) -> bytes | None:
        with self.lock:
            due = self.began + self.turn * self.batch / self.rate if self.rate else time.perf_counter()
            if due - self.began >= self.seconds:
                return None
            content = self.templates[self.turn % len(self.templates)].fresh()
            self.turn += 1
        time.sleep(max(0.0, due - time.perf_counter()))
        return content

    def _send(self) -> None:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        while content := self._next():
            sent = time.perf_counter()
            connection.request("POST", "/v1/traces", content, {"content-type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.acks.append(time.perf_counter() - sent)
            else:
                self.refused += 1
        connection.close()


class Sink:
    """Another backend: counts what it is sent."""

    def __init__(self) -> None:
        self.bytes = self.requests = 0
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sink.bytes += len(self.rfile.read(int(self.headers["content-length"])))
                sink.requests += 1
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def resident(pid: int) -> int:
    """Bytes; none where the process has ended. What two of them share is counted twice."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu_seconds(pid: int) -> float:
    """With those of its children it has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A collector process, its addresses and what /proc says of it."""

    program = ("-m", "spanledger")

    def __init__(self, directory: str, arguments: list[str]) -> None:
        command = [sys.executable, *self.program, "collect", "--json", "--data", directory, *arguments]
        for listener in ("--otlp-http", "--otlp-grpc", "--api"):
            command += [listener, "127.0.0.1:0"]
        began = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        assert self._process.stdout
        self.addresses = json.loads(self._process.stdout.readline())
        self.start_seconds = time.perf_counter() - began
        self.resident: list[int] = []  # bytes, every second
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(1):
            self.resident.append(sum(map(resident, (self.pid, *self.children()))))

    def cpu_seconds(self) -> float:
        """Of the server, its children, and those that have ended."""
        return sum(map(cpu_seconds, (self.pid, *self.children())))

    def children(self) -> list[int]:
        threads = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(child) for each in threads for child in each.read_text().split()]

    def get(self, path: str) -> Any:
        with NO_PROXY.open(self.addresses["api"] + path, timeout=60) as answer:
            return json.load(answer)

    def stop(self) -> None:
        self._done.set()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(120)


def until(reached: Any, seconds: float) -> float:
    """Seconds until `reached()` is true."""
    began = time.perf_counter()
    while not reached():
        if time.perf_counter() - began > seconds:
            raise TimeoutError(f"not everything arrived within {seconds} s")
        time.sleep(0.2)
    return time.perf_counter() - began


def stored(server: Server) -> int:
    return int(server.get("/api/v1/status")["counters"]["spanledger_spans_written_total"])


def check(server: Server, sent: int) -> None:
    """Rows, calls and rollup agree with what was acknowledged."""
    tables = server.get("/api/v1/status")["store"]["tables"]
    answer = server.get("/api/v1/query/totals")
    totals = dict(zip(answer["columns"], answer["rows"][0], strict=True))
    found = (tables["spans"]["rows"], tables["calls"]["rows"], totals["calls"])
    assert found == (sent, sent, sent), f"sent {sent} spans, found spans, calls, rollup {found}"
    print(f"exact: {sent:,} spans = calls = rollup, {totals['cost_usd']} USD, coverage {totals['coverage']}")


def report(load: Load, server: Server, seconds: float, lag: float, cpu: float) -> None:
    sent = len(load.acks) * load.batch
    cuts = statistics.quantiles(load.acks, n=100)
    print(f"{sent:,} spans in {seconds:.1f} s: {sent / seconds:,.0f} spans/s acknowledged, refused {load.refused}")
    print(f"all of them arrived {lag:.1f} s after the last: {sent / (seconds + lag):,.0f} spans/s end to end")
    print(f"ack p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, max {max(load.acks) * 1000:.0f} ms")
    print(f"server CPU {cpu / sent * 1000:.3f} s per 1,000 spans ({sent / cpu:,.0f} spans per CPU second)")
    quarter = max(1, len(server.resident) // 4)
    early, late = max(server.resident[quarter : 2 * quarter]), max(server.resident[-quarter:])
    print(f"RSS {max(server.resident) / 2**20:.0f} MiB, second quarter {early / 2**20:.0f}, last {late / 2**20:.0f}")


def measure(options: argparse.Namespace, directory: str) -> None:
    chance, sink = random.Random(42), Sink()
    templates = [Template(chance, options.batch) for _ in range(TEMPLATES)]
    server = Server(directory, ["--agent", "--forward", sink.url] if options.agent else [])
    try:
        print(f"started in {server.start_seconds:.2f} s")
        load = Load(server.addresses["otlp_http"], options.batch, options.rate, options.seconds, templates)
        cpu = server.cpu_seconds()
        seconds = load.run(options.connections)
        requests, sent = len(load.acks), len(load.acks) * options.batch
        lag = until(lambda: sink.requests >= requests if options.agent else stored(server) >= sent, 300)
        report(load, server, seconds, lag, server.cpu_seconds() - cpu)
        if not options.agent:
            check(server, sent)
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=8000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--agent", action="store_true")
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="spanledger-benchmark-") as directory:
        measure(options, directory)


if __name__ == "__main__":
    main()
