"""Which spans may have been stored before: a memory of the latest, so that the store is asked about few."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SpanId = tuple[bytes, bytes]  # trace id and span id: what makes a span the same span
_SLICE_NS: Final = 10 * 10**9
LIMIT: Final = 1_000_000
LOOSE: Final = 50_000  # of them in sets, at some 70 bytes each; the others are packed into 8


class Seen(NamedTuple):
    """What is remembered of a span: which it is, and when it started in UTC nanoseconds."""

    trace_id: bytes
    span_id: bytes
    start_ns: int

    @property
    def id(self) -> SpanId:
        return self[:2]


class RecentSpans:
    """Remembers every stored span that started at or after `complete_from_ns`; an older one is always a suspect.

    By start, not arrival: a span sent again has the same start, however late it comes. When the memory is full the
    oldest slice of ten seconds goes and the boundary moves up.
    """

    def __init__(self, complete_from_ns: int | None, limit: int = LIMIT, loose: int = LOOSE) -> None:
        """`complete_from_ns`: no span of the store started then or later. None: others write there too, ask always."""
        self._complete_from_ns = complete_from_ns
        self._limit, self._most_loose = limit, loose
        self._loose: defaultdict[int, set[int]] = defaultdict(set)  # keys by slice
        self._packed: dict[int, array[int]] = {}  # the same, sorted
        self._count = 0

    def suspects(self, spans: Sequence[Seen]) -> Sequence[Seen]:
        """Those that may be in the store. Whoever is left out is certainly not."""
        boundary = self._complete_from_ns
        if boundary is None:
            return spans
        return [span for span in spans if span.start_ns < boundary or self._remembers(span)]

    def add(self, spans: Sequence[Seen]) -> None:
        """These are in the store now."""
        boundary = self._complete_from_ns
        if boundary is None:
            return
        for span in spans:
            if span.start_ns >= boundary:
                self._loose[span.start_ns // _SLICE_NS].add(_key(span))
        while sum(map(len, self._loose.values())) > self._most_loose:
            self._pack(min(self._loose))
        self._count = sum(map(len, (*self._loose.values(), *self._packed.values())))
        while self._count > self._limit:
            self._forget_oldest()

    def _remembers(self, span: Seen) -> bool:
        key, place = _key(span), span.start_ns // _SLICE_NS
        if key in self._loose.get(place, ()):
            return True
        packed = self._packed.get(place)
        if packed is None:
            return False
        at = bisect_left(packed, key)
        return at < len(packed) and packed[at] == key

    def _pack(self, place: int) -> None:
        keys = self._loose.pop(place)
        self._packed[place] = array("q", sorted(keys.union(self._packed.get(place, ()))))

    def _forget_oldest(self) -> None:
        oldest = min((*self._loose, *self._packed))
        self._count -= len(self._loose.pop(oldest, ())) + len(self._packed.pop(oldest, ()))
        self._complete_from_ns = (oldest + 1) * _SLICE_NS


def _key(span: Seen) -> int:
    """64 bits that nobody outside this process can make collide; a collision costs a question, not a span."""
    return hash(span.trace_id + span.span_id)
