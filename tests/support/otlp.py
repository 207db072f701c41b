"""OTLP trace requests as bytes, as an exporter would send them."""

from __future__ import annotations

import os
import time
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.response.model": "gpt-4.1-2025-04-14",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "spanledger.usage.grade": "measured",
    "spanledger.outcome": "ok",
}


def chat_span(**attributes: Any) -> Span:
    """A chat call that just ended, with new ids; names in `attributes` are written with __ for the dots."""
    given = {name.replace("__", "."): value for name, value in attributes.items()}
    now = time.time_ns()
    return Span(
        trace_id=os.urandom(16),
        span_id=os.urandom(8),
        name="chat gpt-4.1",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=now - 10**9,
        end_time_unix_nano=now,
        attributes=pairs(CHAT | given),
    )


def request(*spans: Span, service: str = "checkout", **resource: Any) -> ExportTraceServiceRequest:
    attributes = pairs({"service.name": service} | resource)
    scope = ScopeSpans(spans=spans)
    scope.scope.name = "tests"
    of_service = ResourceSpans(resource=Resource(attributes=attributes), scope_spans=[scope])
    return ExportTraceServiceRequest(resource_spans=[of_service])


def body(*spans: Span, **resource: Any) -> bytes:
    return request(*spans, **resource).SerializeToString()


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(item)) for key, item in attributes.items()]


def value(item: Any) -> AnyValue:
    if isinstance(item, list):
        return AnyValue(array_value=ArrayValue(values=[value(each) for each in item]))
    if isinstance(item, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(item)))
    kind = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value", str: "string_value"}
    return AnyValue(**{kind[type(item)]: item})
