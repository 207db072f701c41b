"""Which spans may have been stored before: a memory of the latest, so that the store is asked about few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.model import Span

SpanId = tuple[bytes, bytes]  # trace id and span id: what makes a span the same span
_SLICE_NS: Final = 10 * 10**9


def identity(span: Span) -> SpanId:
    return span.trace_id, span.span_id


class RecentSpans:
    """Remembers every stored span that started at or after `complete_from_ns`; an older one is always a suspect.

    By start, not arrival: a span sent again has the same start, however late it comes. When the memory is full the
    oldest slice of ten seconds goes and the boundary moves up.
    """

    def __init__(self, complete_from_ns: int | None, limit: int = 1_000_000) -> None:
        """`complete_from_ns`: no span of the store started then or later. None: others write there too, ask always."""
        self._complete_from_ns = complete_from_ns
        self._limit = limit
        self._slices: dict[int, set[int]] = {}
        self._count = 0

    def suspects(self, spans: Sequence[Span]) -> Sequence[Span]:
        """Those that may be in the store. Whoever is left out is certainly not."""
        boundary = self._complete_from_ns
        if boundary is None:
            return spans
        return [span for span in spans if span.start_ns < boundary or self._remembers(span)]

    def add(self, spans: Sequence[Span]) -> None:
        """These are in the store now."""
        boundary = self._complete_from_ns
        if boundary is None:
            return
        for span in spans:
            if span.start_ns >= boundary:
                self._slices.setdefault(span.start_ns // _SLICE_NS, set()).add(_key(span))
        self._count = sum(map(len, self._slices.values()))
        while self._count > self._limit:
            self._forget_oldest()

    def _remembers(self, span: Span) -> bool:
        return _key(span) in self._slices.get(span.start_ns // _SLICE_NS, ())

    def _forget_oldest(self) -> None:
        oldest = min(self._slices)
        self._count -= len(self._slices.pop(oldest))
        self._complete_from_ns = (oldest + 1) * _SLICE_NS


def _key(span: Span) -> int:
    """64 bits that nobody outside this process can make collide; a collision costs a question, not a span."""
    return hash(span.trace_id + span.span_id)
