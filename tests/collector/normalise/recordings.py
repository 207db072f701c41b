"""What real packages told of simulated calls (scripts/record_dialects), and what those calls really were."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanledger_collector import otlp, otlp_logs
from spanledger_collector.model import Call, Span, Usage
from spanledger_collector.receivers.otlp_json import to_protobuf

FOLDER = Path(__file__).parent / "recorded"
RECEIVED_NS = 1_900_000_000_000_000_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """One scenario of one emitter."""

    emitter: str
    scenario: str
    packages: dict[str, str]
    simulated: list[Row]
    exports: list[Row]

    @property
    def name(self) -> str:
        return f"{self.emitter}/{self.scenario}"

    def spans(self) -> list[Span]:
        return [span for export in self.exports for span in _decoded(export)]

    def truth(self) -> list[Row]:
        return [_truth(each) for each in self.simulated]


@lru_cache(maxsize=1)
def recordings() -> list[Recording]:
    return [_read(path) for path in sorted(FOLDER.glob("*/*.json"))]


def _read(path: Path) -> Recording:
    found = json.loads(path.read_text("utf-8"))
    return Recording(path.parent.name, path.stem, found["packages"], found["simulated"], found["exports"])


def _decoded(export: Row) -> list[Span]:
    if "resourceLogs" in export:
        return list(otlp_logs.decode(to_protobuf(_bytes(export), ExportLogsServiceRequest()), RECEIVED_NS))
    return list(otlp.decode(to_protobuf(_bytes(export), ExportTraceServiceRequest()), RECEIVED_NS))


def _bytes(export: Row) -> bytes:
    return json.dumps(export).encode()


def row(call: Call) -> Row:
    """What of a ledger row is the call's own, whoever told of it."""
    usage = call.usage
    found: Row = {
        "provider": call.provider,
        "operation": call.operation,
        "request_model": call.request_model,
        "model": call.model,
        "response_id": call.response_id,
        "stream": call.stream,
        "outcome": call.outcome,
        "error_type": bool(call.error_type),
        "http_status": call.http_status,
        "finish_reason": call.finish_reason,
        "service_tier": call.service_tier,
        "usage_note": call.usage_note,
    }
    return found | _parts(usage)


def _parts(usage: Usage | None) -> Row:
    names = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "grade")
    return {name: getattr(usage, name) if usage else None for name in names}


def _truth(told: Row) -> Row:
    path, usage, failed = told["path"], told["usage"], told["status"] >= 400
    known: Row = {
        "provider": _provider(path),
        "operation": _operation(path),
        "request_model": told["model"],
        "model": told["model"],
        "response_id": told["response_id"],
        "stream": told["stream"],
        "outcome": "error" if failed else "ok",
        "error_type": failed,
        "http_status": told["status"],
        "finish_reason": told["finish_reason"],
        "service_tier": _tier(path, usage, failed=failed),
        "usage_note": "",
    }
    if path.endswith("/responses"):
        del known["finish_reason"]  # that API has a status in its place
    return known | _parts(None if failed else _usage(path, usage))


def _provider(path: str) -> str:
    for mark, provider in (("/mistral/", "mistral_ai"), ("/gemini/", "gcp.gemini"), ("/messages", "anthropic")):
        if mark in path:
            return provider
    return "openai"


def _tier(path: str, usage: Row, *, failed: bool) -> str:
    if failed or path.startswith(("/mistral", "/gemini")) or path.endswith("/embeddings"):
        return ""
    return usage["service_tier"] if path.endswith("/messages") else "default"


def _usage(path: str, told: Row) -> Usage:
    if path.endswith("/messages"):
        written = told["cache_creation"]
        return Usage(
            uncached_input=told["input_tokens"],
            cache_read=told["cache_read_input_tokens"],
            cache_write_5m=written["ephemeral_5m_input_tokens"],
            cache_write_1h=written["ephemeral_1h_input_tokens"],
            output=told["output_tokens"],
            reasoning=told.get("output_tokens_details", {}).get("thinking_tokens", 0),
        )
    if "/gemini/" in path:
        cached, thoughts = told.get("cachedContentTokenCount", 0), told.get("thoughtsTokenCount", 0)
        output = told["candidatesTokenCount"] + thoughts
        return Usage(told["promptTokenCount"] - cached, cache_read=cached, output=output, reasoning=thoughts)
    inputs = told.get("prompt_tokens_details") or told.get("input_tokens_details") or {}
    outputs = told.get("completion_tokens_details") or told.get("output_tokens_details") or {}
    cached = inputs.get("cached_tokens", 0)
    return Usage(
        uncached_input=told.get("prompt_tokens", told.get("input_tokens")) - cached,
        cache_read=cached,
        output=told.get("completion_tokens", told.get("output_tokens", 0)),
        reasoning=outputs.get("reasoning_tokens", 0),
    )


def _operation(path: str) -> str:
    if "/gemini/" in path:
        return "generate_content"
    return "embeddings" if path.endswith("/embeddings") else "chat"
