"""GenAI metrics, through the application's own meter provider: without one there are none. Recorded on our thread.

https://github.com/open-telemetry/semantic-conventions-genai, client-inference, client-embeddings and token-metrics;
"legacy" are the names up to 1.37 of the general conventions. They count calls whatever a sampler decides.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics

from . import _setup, semconv
from ._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import Counter, Histogram, MeterProvider

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = tuple(4**power for power in range(14))
_ABOUT: Final = (
    semconv.OPERATION_NAME,
    semconv.PROVIDER_NAME,
    semconv.REQUEST_MODEL,
    semconv.RESPONSE_MODEL,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
)
_MODALITY: Final = "gen_ai.token.modality"
_LEGACY_TYPE: Final = "gen_ai.token.type"
_SPENT: Final = (  # counter, the attribute it counts, the audio tokens within
    ("input_tokens", semconv.USAGE_INPUT_TOKENS, semconv.USAGE_INPUT_AUDIO),
    ("output_tokens", semconv.USAGE_OUTPUT_TOKENS, semconv.USAGE_OUTPUT_AUDIO),
    ("cache_read.input_tokens", semconv.USAGE_CACHE_READ, ""),
    ("cache_write.input_tokens", semconv.USAGE_CACHE_WRITE, ""),
    ("reasoning.output_tokens", semconv.USAGE_REASONING, ""),
)


class Instruments:
    """What one meter provider measures with."""

    def __init__(self, provider: MeterProvider) -> None:
        self._meter = provider.get_meter("spanledger", __version__)
        self._made: dict[str, Any] = {}

    def seconds(self, name: str) -> Histogram:
        return self._histogram(name, "s", _SECONDS)

    def tokens(self, name: str) -> Histogram:
        return self._histogram(name, "{token}", _TOKENS)

    def _histogram(self, name: str, unit: str, edges: tuple[float, ...]) -> Histogram:
        if name not in self._made:
            self._made[name] = self._meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=edges)
        histogram: Histogram = self._made[name]
        return histogram

    def counter(self, name: str) -> Counter:
        if name not in self._made:
            self._made[name] = self._meter.create_counter(name, "{token}")
        counter: Counter = self._made[name]
        return counter


@lru_cache(maxsize=2)
def _of(provider: MeterProvider) -> Instruments:
    return Instruments(provider)


def _provider() -> MeterProvider | None:
    """The application's. get_meter_provider() would set the global one when this variable names one."""
    if "OTEL_PYTHON_METER_PROVIDER" in os.environ:
        return None
    provider = metrics.get_meter_provider()
    return provider if hasattr(provider, "force_flush") else None  # the stand-in before one is set has no such thing


def record(attributes: Mapping[str, Any], seconds: float) -> None:
    """Measure one finished call, by what its span says."""
    provider = _provider()
    if provider is None:
        return
    about = {key: attributes[key] for key in _ABOUT if key in attributes}
    names = _setup.options.metrics
    if "latest" in names:
        _latest(_of(provider), attributes, about, seconds)
    if "legacy" in names:
        _legacy(_of(provider), attributes, about, seconds)


def _latest(to: Instruments, told: Mapping[str, Any], about: dict[str, Any], seconds: float) -> None:
    embeds = about.get(semconv.OPERATION_NAME) == "embeddings"
    kind = "gen_ai.client.embeddings" if embeds else "gen_ai.client.inference"
    _durations(to, kind, told, about, seconds)
    distributed = (semconv.USAGE_INPUT_TOKENS,) if embeds else (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS)
    for key in distributed:
        if key in told:
            to.tokens(f"{kind}.operation.{key.rpartition('.')[2]}").record(told[key], about)
    if not embeds:
        for name, key, audio in _SPENT:
            _spend(to, f"{kind}.usage.{name}", told, about, (key, audio))


def _durations(to: Instruments, kind: str, told: Mapping[str, Any], about: dict[str, Any], seconds: float) -> None:
    failed = {semconv.ERROR_TYPE: told[semconv.ERROR_TYPE]} if semconv.ERROR_TYPE in told else {}
    to.seconds(f"{kind}.duration").record(seconds, {**about, **failed})
    first = told.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK)
    if first is not None:
        to.seconds(f"{kind}.time_to_first_chunk").record(first, about)


def _spend(to: Instruments, name: str, told: Mapping[str, Any], about: dict[str, Any], keys: tuple[str, str]) -> None:
    """Of the modalities only audio is told apart. A call without usage counts 0 of input and output, as specified."""
    key, audio_key = keys
    if key not in told and not audio_key:
        return
    audio = told.get(audio_key, 0)
    counter = to.counter(name)
    if audio:
        counter.add(audio, {**about, _MODALITY: "audio"})
    counter.add(max(0, told.get(key, 0) - audio), {**about, _MODALITY: "unknown"})


def _legacy(to: Instruments, told: Mapping[str, Any], about: dict[str, Any], seconds: float) -> None:
    _durations(to, "gen_ai.client.operation", told, about, seconds)
    for kind, key in (("input", semconv.USAGE_INPUT_TOKENS), ("output", semconv.USAGE_OUTPUT_TOKENS)):
        if key in told:
            to.tokens("gen_ai.client.token.usage").record(told[key], {**about, _LEGACY_TYPE: kind})
