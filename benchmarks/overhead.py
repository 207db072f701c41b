"""What recording costs the application: function calls for each LLM call and each chunk, and the start of the process.

    python benchmarks/overhead.py [--peers openinference,traceloop,genai,logfire]

The real openai and anthropic SDKs talk to an in-process transport. Calls of Python and C functions on the application's
thread are counted (sys.setprofile): the figure does not depend on the machine. The start is timed in fresh processes,
the least of several. Each peer gets a virtual environment of its own, thrown away afterwards, with the SDK versions
found here; Spanledger is measured with the interpreter that runs this.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

BOUNDS = {"openai create": 600, "anthropic create": 500, "openai chunk": 8, "anthropic chunk": 4,
          "modules": 40, "start ms": 150, "MB": 3}  # fmt: skip
PEERS = {  # what pip installs
    "openinference": ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
    "traceloop": ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic"),
    "genai": ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic"),
    "logfire": ("logfire",),
}
INSTRUMENTORS = {
    "openinference": ("openinference.instrumentation.openai", "openinference.instrumentation.anthropic"),
    "traceloop": ("opentelemetry.instrumentation.openai", "opentelemetry.instrumentation.anthropic"),
    "genai": ("opentelemetry.instrumentation.genai.openai", "opentelemetry.instrumentation.genai.anthropic"),
}
QUESTION = [{"role": "user", "content": "Tell me about foxes. " * 40}]
CHAT = {"model": "gpt-4.1", "messages": [{"role": "system", "content": "You are helpful."}, *QUESTION], "max_tokens": 9}
MESSAGE = {"model": "claude-sonnet-4-5", "messages": QUESTION, "max_tokens": 500}
TEXT = "The quick brown fox jumps over the lazy dog. " * 12
CHAT_USAGE = {"prompt_tokens": 1200, "completion_tokens": 150, "total_tokens": 1350,
              "prompt_tokens_details": {"cached_tokens": 1024}, "completion_tokens_details": {"reasoning_tokens": 64},
              }  # fmt: skip
MESSAGE_USAGE = {"input_tokens": 176, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 1024,
                 "output_tokens": 150, "service_tier": "standard"}  # fmt: skip
LIMITS = {f"x-ratelimit-{edge}-{kind}": "500" for edge in ("limit", "remaining") for kind in ("requests", "tokens")}
WARM, ROUNDS, FEW, MANY = 6, 5, 20, 200


def enable(peer: str, provider: Any) -> None:
    """Import the peer and switch it on, at its own defaults."""
    if peer == "spanledger":
        import spanledger

        spanledger.instrument(tracer_provider=provider)
    elif peer == "logfire":
        import logfire

        logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)
        logfire.instrument_openai()
        logfire.instrument_anthropic()
    elif peer in INSTRUMENTORS:
        from importlib import import_module

        for module, name in zip(INSTRUMENTORS[peer], ("OpenAIInstrumentor", "AnthropicInstrumentor"), strict=True):
            getattr(import_module(module), name)().instrument()


def providers() -> Any:
    """Of an application that exports its spans in batches, to nowhere, and has metrics."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, _spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    return provider


def events(chunks: int, *, anthropic: bool) -> bytes:
    return b"".join(_messages(chunks) if anthropic else _completions(chunks))


def _completions(chunks: int) -> list[bytes]:
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1790000000, "model": "gpt-4.1-2025-04-14"}
    lines = [
        {**base, "choices": [{"index": 0, "delta": {"content": f"token{i} "}, "finish_reason": None}], "usage": None}
        for i in range(chunks)
    ]
    lines.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None})
    lines.append({**base, "choices": [], "usage": CHAT_USAGE})
    return [*(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines), b"data: [DONE]\n\n"]


def _messages(chunks: int) -> list[bytes]:
    start = {**message([]), "stop_reason": None, "usage": {**MESSAGE_USAGE, "output_tokens": 1}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    said = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"token{i} "}}
        for i in range(chunks)
    ]
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 150}}
    all_ = [{"type": "message_start", "message": start}, block, *said,
            {"type": "content_block_stop", "index": 0}, ended, {"type": "message_stop"}]  # fmt: skip
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in all_]


def message(content: list[Any]) -> dict[str, Any]:
    return {"id": "m1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
            "content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": MESSAGE_USAGE}  # fmt: skip


def completion() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "logprobs": None, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1790000000, "model": "gpt-4.1-2025-04-14",
            "service_tier": "default", "choices": [choice], "usage": CHAT_USAGE}  # fmt: skip


class Provider:
    """Answers inside the process; `chunks` says how long a stream is."""

    def __init__(self, http: Any) -> None:
        self._http = http
        self.chunks = FEW
        self._kept: dict[Any, bytes] = {}

    def __call__(self, request: Any) -> Any:
        anthropic, streamed = request.url.path.endswith("/messages"), b'"stream":true' in request.content
        key = (anthropic, self.chunks if streamed else 0)
        if key not in self._kept:
            plain = message([{"type": "text", "text": TEXT}]) if anthropic else completion()
            self._kept[key] = events(self.chunks, anthropic=anthropic) if streamed else json.dumps(plain).encode()
        kind = "text/event-stream" if streamed else "application/json"
        return self._http.Response(200, headers={"content-type": kind, **LIMITS}, content=self._kept[key])


def cases() -> tuple[Provider, dict[str, Any]]:
    import anthropic
    import openai

    try:
        import httpx2 as http
    except ImportError:
        import httpx as http
    provider = Provider(http)
    client = http.Client(transport=http.MockTransport(provider))
    chat = openai.OpenAI(api_key="x", http_client=client).chat.completions
    messages = anthropic.Anthropic(api_key="x", http_client=client).messages

    def streamed() -> None:
        for _ in chat.create(**CHAT, stream=True, stream_options={"include_usage": True}):
            pass

    def managed() -> None:
        with messages.stream(**MESSAGE) as stream:
            for _ in stream.text_stream:
                pass

    return provider, {"openai create": lambda: chat.create(**CHAT), "openai chunk": streamed,
                      "anthropic create": lambda: messages.create(**MESSAGE), "anthropic chunk": managed}  # fmt: skip


def calls(work: Any) -> int:
    """Function calls on this thread, the least of some rounds."""
    for _ in range(WARM):
        work()
    return min(_counted(work) for _ in range(ROUNDS))


def _counted(work: Any) -> int:
    seen = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    sys.setprofile(profile)
    work()
    sys.setprofile(None)
    return seen


def count(peer: str) -> dict[str, float]:
    """Function calls of each case, for a chunk by the slope between a short and a long stream."""
    enable(peer, providers())
    provider, made = cases()
    found: dict[str, float] = {}
    for name, work in made.items():
        if name.endswith("create"):
            found[name] = calls(work)
            continue
        lengths = {}
        for provider.chunks in (FEW, MANY):
            lengths[provider.chunks] = calls(work)
        found[name] = round((lengths[MANY] - lengths[FEW]) / (MANY - FEW), 1)
    return found


def start(peer: str) -> dict[str, float]:
    """Import and instrument in a process that has the SDKs and OpenTelemetry already."""
    import anthropic.resources.messages  # noqa: F401
    import openai.resources.chat.completions
    import openai.resources.responses  # noqa: F401

    provider = providers()
    gc.collect()
    modules, memory, began = len(sys.modules), resident(), time.perf_counter()
    enable(peer, provider)
    took = (time.perf_counter() - began) * 1000
    return {"modules": len(sys.modules) - modules, "start ms": round(took, 1), "MB": round(resident() - memory, 1)}


def resident() -> float:
    """MB of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def ask(python: str, what: str, peer: str) -> dict[str, float]:
    env = {**os.environ, "ANTHROPIC_OPEN_TELEMETRY": "false", "TRACELOOP_TELEMETRY": "false"}
    command = [python, "-W", "ignore", __file__, f"--{what}", peer]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"{peer}: {done.stderr[-1000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measured(python: str, peer: str) -> dict[str, float]:
    """What `peer` adds to a process without it."""
    base, with_peer = ask(python, "count", "none"), ask(python, "count", peer)
    added = {name: round(with_peer[name] - base[name], 1) for name in base}
    starts = [ask(python, "start", peer) for _ in range(ROUNDS)]
    return added | {name: min(each[name] for each in starts) for name in starts[0]}


def environment(folder: str, peer: str) -> str:
    """A virtual environment with the SDKs in the versions found here, and the peer."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = f"{folder}/bin/python"
    sdks = [f"{name}=={version(name)}" for name in ("openai", "anthropic")]
    command = [python, "-m", "pip", "install", "-q", *sdks, "opentelemetry-sdk", *PEERS[peer]]
    subprocess.run(command, check=True)
    return python


def table(rows: dict[str, dict[str, float]]) -> None:
    width = max(map(len, rows))
    print(f"{'':{width}}", *(f"{name:>16}" for name in BOUNDS))
    for peer, row in rows.items():
        print(f"{peer:{width}}", *(f"{row[name]:>16g}" for name in BOUNDS))


def main() -> int:
    parse = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parse.add_argument("--peers", default="", help=f"of {', '.join(PEERS)}: measured in environments of their own")
    parse.add_argument("--count", help=argparse.SUPPRESS)
    parse.add_argument("--start", help=argparse.SUPPRESS)
    options = parse.parse_args()
    if options.count or options.start:
        warnings.simplefilter("ignore")
        print(json.dumps(count(options.count) if options.count else start(options.start)), flush=True)
        os._exit(0)
    rows = {"bound": {**BOUNDS}, "spanledger": measured(sys.executable, "spanledger")}
    for peer in filter(None, options.peers.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            rows[peer] = measured(environment(folder, peer), peer)
    table(rows)
    return int(any(rows["spanledger"][name] > bound for name, bound in BOUNDS.items()))


if __name__ == "__main__":
    sys.exit(main())
