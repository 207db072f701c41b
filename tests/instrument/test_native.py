"""anthropic >= 2 opens spans of its own: one call is never two spans in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.instrument.test_calls import MESSAGE
from tests.support.otlp_receiver import OtlpReceiver
from tests.support.provider import ANTHROPIC_MAJOR
from tests.support.spans import Spans

import spanledger
from spanledger import _setup, semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator

pytestmark = pytest.mark.skipif(ANTHROPIC_MAJOR < 2, reason="this version opens no spans of its own")
NATIVE = "anthropic.messages.create"


def client(provider: Simulator, traced_to: Spans, **options: Any) -> anthropic.Anthropic:
    native = {"tracer_provider": traced_to.provider}
    return anthropic.Anthropic(base_url=provider.url, api_key="test", open_telemetry=native, **options)  # type: ignore[arg-type]


def test_where_both_would_land_the_native_span_carries_our_data(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 500, "headers": {"retry-after-ms": "1"}}])
    with spanledger.tag(feature="search"):
        client(provider, spans).messages.create(**MESSAGE)
    told = spans.one
    assert spans.all[0].name == NATIVE
    assert told["anthropic.message.stop_reason"] == "end_turn"
    assert told[semconv.ATTEMPT_STATUSES] == (500, 200)
    assert told[semconv.TAG_PREFIX + "feature"] == "search"
    assert told[semconv.OUTCOME] == "ok"


def test_a_streamed_native_span_waits_for_both(provider: Simulator, spans: Spans) -> None:
    with client(provider, spans).messages.stream(**MESSAGE) as stream:
        assert not spans.all
        final = stream.get_final_message()
    told = spans.one
    assert told[semconv.USAGE_OUTPUT_TOKENS] == final.usage.output_tokens
    assert told[semconv.OUTCOME] == "ok"


def test_an_abandoned_native_stream_is_one_span(provider: Simulator, spans: Spans) -> None:
    with client(provider, spans).messages.stream(**MESSAGE) as stream:
        next(iter(stream))
    assert spans.one[semconv.OUTCOME] == "abandoned"


def test_what_the_sdk_wrote_stays(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 429}])
    with pytest.raises(anthropic.RateLimitError):
        client(provider, spans, max_retries=0).messages.create(**MESSAGE)
    told = spans.one
    assert told[semconv.ERROR_TYPE] == "rate_limit_error"
    assert told[semconv.OUTCOME] == "error"


def test_the_requests_carry_the_native_spans_context(provider: Simulator, spans: Spans) -> None:
    client(provider, spans).messages.create(**MESSAGE)
    context = spans.all[0].context
    assert context is not None
    headers = {name.lower(): value for name, value in provider.requests[0].headers.items()}
    assert format(context.span_id, "016x") in headers["traceparent"]


def test_elsewhere_the_native_span_is_untouched(provider: Simulator, spans: Spans) -> None:
    applications = Spans()
    client(provider, applications).messages.create(**MESSAGE)
    assert spans.all[0].name == "chat claude-sonnet-5"
    assert applications.all[0].name == NATIVE
    assert not any(name.startswith("spanledger.") for name in applications.one)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", running.url)
        spanledger.instrument()
        yield running
        spanledger.uninstrument()
        _setup.use_provider(None)


def test_with_a_provider_of_our_own_each_place_gets_its_span(provider: Simulator, collector: OtlpReceiver) -> None:
    applications = Spans()
    client(provider, applications).messages.create(**MESSAGE)
    _setup.destination().provider.force_flush()  # type: ignore[attr-defined]
    assert [span["name"] for span in collector.spans] == ["chat claude-sonnet-5"]
    assert not any(name.startswith("spanledger.") for name in applications.one)


def test_an_application_that_sends_to_the_same_collector_is_not_counted_twice(
    provider: Simulator, collector: OtlpReceiver
) -> None:
    applications = Spans()
    exporter = OTLPSpanExporter(f"{collector.url}/v1/traces")
    applications.provider.add_span_processor(SimpleSpanProcessor(exporter))
    client(provider, applications).messages.create(**MESSAGE)
    _setup.destination().provider.force_flush()  # type: ignore[attr-defined]
    native, ours = sorted(collector.spans, key=lambda span: str(span["name"]))
    assert (native["name"], ours["name"]) == (NATIVE, "chat claude-sonnet-5")
    assert native[semconv.COUNTED_BY]
    assert semconv.COUNTED_BY not in ours
