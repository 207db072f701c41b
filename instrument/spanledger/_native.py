"""anthropic >= 2 opens a span of its own for every call. Where it would land beside ours, ours is not opened: theirs
is kept open until the call is finished and takes our attributes. One span per call, with everything on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import trace

from . import semconv
from ._guard import guarded
from ._setup import current, same_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._call import Call


class NativeSpan(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The native span as its SDK sees it: ended when both the SDK and our call are done with it."""

    def __init__(self, span: trace.Span) -> None:
        super().__init__(span)
        self._self_waiting = 2
        self._self_end_ns: int | None = None

    def end(self, end_time: int | None = None) -> None:
        self._self_end_ns = end_time
        self._done()

    def enrich(self, attributes: Mapping[str, Any]) -> None:
        """Add what is missing: what the SDK wrote stays as it wrote it."""
        written = getattr(self.__wrapped__, "attributes", None) or {}
        self.__wrapped__.set_attributes({key: value for key, value in attributes.items() if key not in written})
        self._done()

    def release(self) -> None:
        self._done()

    def _done(self) -> None:
        self._self_waiting -= 1
        if self._self_waiting == 0:
            self.__wrapped__.end(self._self_end_ns)


def opened(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
    """Around the SDK's function that opens the span: hand out a held one when the call is to use it."""
    span = wrapped(*args, **kwargs)
    call = current.get()
    if span is None or call is None or call.native is not None:
        return span
    if call.span is not None:
        if call.destination.own:
            guarded(_say_who_counts, span, call)
        return span
    if not span.is_recording() or _provider(call.client) is not call.destination.provider:
        return span
    call.native = NativeSpan(span)
    return call.native


def _say_who_counts(span: trace.Span, call: Call) -> None:
    """The application's provider may send to the same collector: one bill, two spans."""
    assert call.span is not None
    if span.is_recording() and same_place(_provider(call.client)):
        span.set_attribute(semconv.COUNTED_BY, f"{call.span.get_span_context().span_id:016x}")


def _provider(client: Any) -> Any:
    return client._open_telemetry.get("tracer_provider") or trace.get_tracer_provider()  # noqa: SLF001
