"""The ledger is not sampled, whatever the application's sampler decides; and each place gets a call once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, TraceIdRatioBased
from tests.instrument.test_calls import CHAT
from tests.support.otlp_receiver import OtlpReceiver
from tests.support.spans import Spans

import spanledger
from spanledger import _setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.sampling import Sampler
    from tests.support.provider import Clients

SAMPLERS = [pytest.param(ALWAYS_OFF, id="off"), pytest.param(TraceIdRatioBased(0.01), id="1 %")]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", running.url)
        spanledger.instrument()
        yield running
        spanledger.uninstrument()
        _setup.use_provider(None)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_calls_inside_unsampled_traces_are_recorded_in_those_traces(
    clients: Clients, collector: OtlpReceiver, sampler: Sampler
) -> None:
    application = Spans()
    application.provider.sampler = sampler
    traces = []
    for _ in range(20):
        with application.provider.get_tracer("app").start_as_current_span("request"):
            clients.openai.chat.completions.create(**CHAT)
            traces.append(format(trace.get_current_span().get_span_context().trace_id, "032x"))
    _setup.destination().provider.force_flush()  # type: ignore[attr-defined]
    assert [span["trace_id"] for span in collector.spans] == traces
    assert not any(span.name.startswith("chat") for span in application.all)


def test_a_provider_that_was_given_gets_every_call_and_the_collector_none(
    clients: Clients, collector: OtlpReceiver
) -> None:
    application = Spans()
    spanledger.instrument(tracer_provider=application.provider)
    clients.openai.chat.completions.create(**CHAT)
    assert [span.name for span in application.all] == ["chat gpt-4.1"]
    assert not collector.spans


def test_through_the_applications_provider_its_sampler_decides(clients: Clients) -> None:
    application = Spans()
    application.provider.sampler = ALWAYS_OFF
    spanledger.instrument(tracer_provider=application.provider)
    try:
        assert clients.openai.chat.completions.create(**CHAT).id
        assert not application.all
    finally:
        spanledger.uninstrument()
