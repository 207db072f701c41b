"""The spans that reached an application's tracer provider, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanledger._later import LATER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan


class Spans:
    """A tracer provider and what it was given."""

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self._exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Every span, those included that wait for the hashes of their prompts."""
        assert LATER.drain(10)
        return self._exporter.get_finished_spans()

    @property
    def one(self) -> dict[str, Any]:
        """The attributes of the only span."""
        names = [span.name for span in self.all]
        assert len(names) == 1, f"expected one span, got {names}"
        return dict(self.all[0].attributes or {})

    def clear(self) -> None:
        self._exporter.clear()

    def text(self) -> str:
        """All that the spans say, for looking for what they must not."""
        return "\n".join(span.to_json() for span in self.all)
