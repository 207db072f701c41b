"""Telling the bills from the structure around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

import spanledger
from spanledger import semconv
from spanledger_collector.model import Span
from spanledger_collector.normalise import to_call
from spanledger_collector.normalise.otel_genai import BILLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from spanledger_collector.demo.simulator import Simulator
    from tests.support.spans import Spans

CANARY = "CANARY-4711"


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def bills(spans: Spans) -> list[ReadableSpan]:
    """What the collector bills, by its own word; all of them client spans."""
    found = [s for s in spans.all if to_call(_as_received(s)) is not None]
    assert all(s.kind is SpanKind.CLIENT for s in found)
    return found


def _as_received(span: ReadableSpan) -> Span:
    assert span.context is not None
    assert span.instrumentation_scope is not None
    parent = span.parent.span_id.to_bytes(8, "big") if span.parent else b""
    return Span(
        trace_id=span.context.trace_id.to_bytes(16, "big"),
        span_id=span.context.span_id.to_bytes(8, "big"),
        parent_span_id=parent,
        name=span.name,
        kind=span.kind.value + 1,  # OTLP's first is "unspecified"
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        status=0 if span.status.is_unset else 2,
        status_message=span.status.description or "",
        attributes=told(span),
        resource={},
        scope=span.instrumentation_scope.name,
    )


def structure(spans: Spans, operation: str | None = None) -> list[ReadableSpan]:
    found = [s for s in spans.all if semconv.FRAMEWORK in told(s)]
    assert all(s.kind is SpanKind.INTERNAL for s in found if told(s)[semconv.OPERATION_NAME] in BILLED)
    return [s for s in found if operation in (None, told(s)[semconv.OPERATION_NAME])]


def parent_id(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def is_inside(inner: ReadableSpan, outer: ReadableSpan) -> bool:
    """Whether `inner` is a child of `outer`, in its trace."""
    assert inner.context is not None
    assert outer.context is not None
    return parent_id(inner) == outer.context.span_id and inner.context.trace_id == outer.context.trace_id


def one_bill_per_request(spans: Spans, provider: Simulator) -> list[ReadableSpan]:
    """The bills: as many as requests came in, each of which was answered with 200; no content in any span."""
    billed = bills(spans)
    assert len(billed) == len(provider.requests)
    assert CANARY not in spans.text()
    return billed


def assert_same_on_the_wire(provider: Simulator, ask: Callable[[], Any]) -> None:
    """The requests of `ask` are, byte for byte, the ones it makes without us."""
    provider.clear()
    ask()
    ours = [(request.path, request.body) for request in provider.requests]
    spanledger.uninstrument()
    provider.clear()
    ask()
    assert ours
    assert [(request.path, request.body) for request in provider.requests] == ours
