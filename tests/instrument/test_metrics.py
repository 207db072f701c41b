"""GenAI metrics through the application's meter provider: the newest names, the older ones when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from tests.instrument.test_calls import CALLS, CHAT, Case, method

import spanledger
from spanledger import _metrics, semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

INFERENCE = "gen_ai.client.inference"
EMBEDDING = {"model": "text-embedding-3-small", "input": "a canary"}


class Measured:
    """What the application's reader collects: {metric: {(attributes of interest): value, or (count, sum)}}."""

    def __init__(self, reader: InMemoryMetricReader, spans: Spans) -> None:
        self._reader = reader
        self._spans = spans

    @property
    def points(self) -> dict[str, list[Any]]:
        assert self._spans.all is not None  # what waits is done
        data = self._reader.get_metrics_data()
        found = [m for r in (data.resource_metrics if data else ()) for s in r.scope_metrics for m in s.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}

    def total(self, name: str) -> float:
        return sum(point.sum if isinstance(point, HistogramDataPoint) else point.value for point in self.points[name])


@pytest.fixture
def measured(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: provider)
    yield Measured(reader, spans)
    provider.shutdown()


@pytest.mark.parametrize("case", CALLS)
def test_a_call_is_measured_as_its_span_says(
    provider: Simulator, clients: Clients, measured: Measured, spans: Spans, case: Case
) -> None:
    provider.script([{"usage": case.usage}])
    method(clients, case.path, "create")(**case.request)
    tokens_in, tokens_out, cached = case.tokens
    assert measured.total(f"{INFERENCE}.usage.input_tokens") == tokens_in
    assert measured.total(f"{INFERENCE}.usage.output_tokens") == tokens_out
    assert measured.total(f"{INFERENCE}.usage.cache_read.input_tokens") == cached
    assert measured.total(f"{INFERENCE}.operation.input_tokens") == tokens_in
    (point,) = measured.points[f"{INFERENCE}.duration"]
    span = spans.all[0]
    assert point.sum == pytest.approx(((span.end_time or 0) - (span.start_time or 0)) / 1e9)
    assert list(point.explicit_bounds) == list(_metrics._SECONDS)
    assert point.attributes[semconv.REQUEST_MODEL] == case.request["model"]
    assert semconv.SERVER_ADDRESS in point.attributes
    assert f"{INFERENCE}.time_to_first_chunk" not in measured.points


def test_a_failure_counts_no_tokens_and_names_its_error(
    provider: Simulator, clients: Clients, measured: Measured
) -> None:
    provider.script([{"status": 400}])
    with pytest.raises(openai.BadRequestError):
        clients.openai.chat.completions.create(**CHAT)
    assert measured.points[f"{INFERENCE}.duration"][0].attributes[semconv.ERROR_TYPE] == "BadRequestError"
    (point,) = measured.points[f"{INFERENCE}.usage.input_tokens"]
    assert (point.value, point.attributes["gen_ai.token.modality"]) == (0, "unknown")
    assert f"{INFERENCE}.operation.input_tokens" not in measured.points


def test_streams_tell_their_first_chunk_and_embeddings_are_measured_apart(clients: Clients, measured: Measured) -> None:
    list(clients.openai.chat.completions.create(**CHAT, stream=True))
    clients.openai.embeddings.create(**EMBEDDING)
    points = measured.points
    assert points[f"{INFERENCE}.time_to_first_chunk"][0].sum > 0
    assert points["gen_ai.client.embeddings.duration"][0].count == points[f"{INFERENCE}.duration"][0].count == 1
    assert points["gen_ai.client.embeddings.operation.input_tokens"][0].sum > 0


@pytest.mark.parametrize(
    ("asked", "latest", "legacy"), [("", 1, 0), ("legacy", 0, 1), ("latest, legacy", 1, 1), ("none", 0, 0)]
)
def test_the_older_names_when_asked(  # noqa: PLR0917
    clients: Clients,
    measured: Measured,
    spans: Spans,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    latest: int,
    legacy: int,
) -> None:
    monkeypatch.setenv("SPANLEDGER_METRICS", asked)
    spanledger.instrument(tracer_provider=spans.provider)
    clients.openai.chat.completions.create(**CHAT)
    names = set(measured.points)
    assert (f"{INFERENCE}.duration" in names) == bool(latest)
    assert ("gen_ai.client.operation.duration" in names) == bool(legacy)
    if legacy:
        types = {point.attributes["gen_ai.token.type"] for point in measured.points["gen_ai.client.token.usage"]}
        assert types == {"input", "output"}


def test_what_a_sampler_drops_is_measured_all_the_same(clients: Clients, measured: Measured, spans: Spans) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    spans.provider.sampler = ALWAYS_OFF
    clients.openai.chat.completions.create(**CHAT)
    assert not spans.all
    assert measured.points[f"{INFERENCE}.duration"][0].count == 1


def test_without_a_meter_provider_there_are_none_and_none_is_made(clients: Clients, spans: Spans) -> None:
    before = metrics.get_meter_provider()
    clients.openai.chat.completions.create(**CHAT)
    assert spans.one
    assert metrics.get_meter_provider() is before
    assert _metrics._provider() is None
