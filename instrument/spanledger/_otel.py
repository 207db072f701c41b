"""What `opentelemetry-instrument` finds through the `opentelemetry_instrumentor` entry point.

Shaped like an instrumentor of opentelemetry-instrumentation without depending on it.
"""

from __future__ import annotations

from typing import Any

from . import instrument, uninstrument
from ._registry import REGISTRY


class SpanledgerInstrumentor:
    """Calls go through the application's provider, unless SPANLEDGER_ENDPOINT names a collector."""

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        return REGISTRY.on

    def instrumentation_dependencies(self) -> tuple[str, ...]:
        """None: each SDK is patched if and when the application imports it."""
        return ()

    def instrument(self, **options: Any) -> None:
        instrument(options.get("tracer_provider"))

    def uninstrument(self, **_options: Any) -> None:
        uninstrument()
