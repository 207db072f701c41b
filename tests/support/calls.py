"""Calls and spans with sensible values, of which a test states only what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from spanledger_collector.model import Call, Span, Usage

NOON = "2026-11-02T12:00:00+00:00"


def nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()) * 1_000_000_000


def make_call(usage: Usage | None = None, at: str = NOON, **fields: Any) -> Call:
    """A successful chat call to OpenAI's gpt-4.1."""
    values: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "parent_span_id": b"",
        "start_ns": nanoseconds(at),
        "duration_ns": 1_000_000_000,
        "dialect": "otel_genai",
        "service": "checkout",
        "service_version": "1",
        "environment": "test",
        "provider": "openai",
        "server_address": "",
        "operation": "chat",
        "request_model": fields.get("model", "gpt-4.1"),
        "model": "gpt-4.1",
        "response_id": "",
        "stream": False,
        "outcome": "ok",
        "error_type": "",
        "http_status": 200,
        "finish_reason": "stop",
        "service_tier": "",
        "attempts": 1,
        "first_chunk_ns": None,
        "usage": usage,
    }
    return Call(**(values | fields))


def make_span(attributes: dict[str, Any], **fields: Any) -> Span:
    """A CLIENT span of one second that ended well."""
    values: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "parent_span_id": b"p" * 8,
        "name": "chat gpt-4.1",
        "kind": 3,
        "start_ns": nanoseconds(NOON),
        "end_ns": nanoseconds(NOON) + 1_000_000_000,
        "status": 0,
        "status_message": "",
        "attributes": attributes,
        "resource": {"service.name": "checkout"},
        "scope": "spanledger",
    }
    return Span(**(values | fields))
