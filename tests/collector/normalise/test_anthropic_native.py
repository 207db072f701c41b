"""The spans that the anthropic SDK emits by itself, made by the real SDK against a canned reply."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support.calls import make_span

from spanledger_collector.model import Call, Span, Usage
from spanledger_collector.normalise import to_call

USAGE = {
    "input_tokens": 50,
    "output_tokens": 1200,
    "cache_read_input_tokens": 10000,
    "cache_creation_input_tokens": 10000,
    "cache_creation": {"ephemeral_5m_input_tokens": 4000, "ephemeral_1h_input_tokens": 6000},
    "service_tier": "standard",
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
ASK: Any = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
BILLED = Usage(uncached_input=50, cache_read=10000, cache_write_5m=4000, cache_write_1h=6000, output=1200)


class Recorded:
    """A real client whose native spans are kept."""

    def __init__(self, reply: httpx2.Response) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        transport = httpx2.MockTransport(lambda _: reply)
        self.client = anthropic.Anthropic(
            api_key="test",
            http_client=httpx2.Client(transport=transport),
            max_retries=0,
            open_telemetry={"tracer_provider": provider},
        )

    def calls(self) -> list[Call | None]:
        return [to_call(_decoded(span)) for span in self._exporter.get_finished_spans()]


def _decoded(span: ReadableSpan) -> Span:
    attributes = {
        key: list(value) if isinstance(value, tuple) else value for key, value in (span.attributes or {}).items()
    }
    scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
    return make_span(attributes, kind=span.kind.value + 1, status=span.status.status_code.value, scope=scope)


def streamed(*events: dict[str, Any]) -> httpx2.Response:
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text="".join(lines))


START = {
    "type": "message_start",
    "message": MESSAGE | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}},
}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hel"}}
BLOCK_END = {"type": "content_block_stop", "index": 0}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"output_tokens": 1200},
}
STOP = {"type": "message_stop"}


def test_a_message_is_one_call_with_disjoint_usage():
    recorded = Recorded(httpx2.Response(200, json=MESSAGE))
    recorded.client.messages.create(**ASK)
    (call,) = recorded.calls()
    assert call is not None
    assert (call.dialect, call.provider, call.operation) == ("anthropic_native", "anthropic", "chat")
    assert (call.usage, call.usage_note) == (BILLED, "")
    assert (call.outcome, call.finish_reason, call.service_tier) == ("ok", "end_turn", "standard")


def test_a_stream_read_to_its_end_is_measured():
    recorded = Recorded(streamed(START, BLOCK, TEXT, BLOCK_END, END, STOP))
    list(recorded.client.messages.create(**ASK, stream=True))
    (call,) = recorded.calls()
    assert call is not None
    assert (call.usage, call.outcome, call.stream) == (BILLED, "ok", True)


def test_a_stream_left_early_is_abandoned_with_partial_usage():
    recorded = Recorded(streamed(START, BLOCK, TEXT, BLOCK_END, END, STOP))
    stream = recorded.client.messages.create(**ASK, stream=True)
    next(iter(stream))
    stream.close()
    (call,) = recorded.calls()
    assert call is not None
    assert call.usage is not None
    assert (call.outcome, call.usage.grade, call.usage.output) == ("abandoned", "partial", 0)
    assert call.usage.input_tokens == 20050


def test_a_refused_call_has_no_usage():
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    recorded = Recorded(httpx2.Response(429, json=error))
    with pytest.raises(anthropic.RateLimitError):
        recorded.client.messages.create(**ASK)
    (call,) = recorded.calls()
    assert call is not None
    assert (call.outcome, call.error_type, call.http_status, call.usage) == ("error", "rate_limit_error", 429, None)


def test_counting_tokens_is_free_and_no_call():
    recorded = Recorded(httpx2.Response(200, json={"input_tokens": 9}))
    recorded.client.messages.count_tokens(model="claude-sonnet-5-5", messages=ASK["messages"])
    assert recorded.calls() == [None]


def test_compactions_are_added_and_no_longer_measured():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "anthropic.usage.compaction.input_tokens": 100,
        "anthropic.usage.compaction.output_tokens": 20,
    }
    call = to_call(make_span(attributes, scope="com.anthropic.sdk.python"))
    assert call is not None
    assert call.usage == Usage(uncached_input=110, output=25, grade="modelled")
    assert "compaction" in call.usage_note


def test_a_span_whose_bill_another_span_tells_is_no_call() -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
    span = make_span(told, scope="com.anthropic.sdk.python")
    assert to_call(span)
    span.attributes["spanledger.counted_by"] = "00000000000000aa"
    assert to_call(span) is None
