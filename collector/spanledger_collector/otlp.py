"""OTLP trace requests: what is wrong with one, and the spans in it.

A request is judged once when it comes in (`check`) and read when its segment is processed (`decode`). Both apply the
same limits to the same bytes at the same receive time, so a span refused then is skipped later, also after a crash.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from spanledger_collector import wire
from spanledger_collector.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from spanledger_collector.model import Attributes

M = TypeVar("M", bound="Message")
MAX_PARTS: Final = 65_536  # resources, scopes and spans of one request
MAX_ATTRIBUTES: Final = 1024
CLOCK_AHEAD_NS: Final = 3600 * 10**9
CLOCK_STEP_NS: Final = 10**9  # an end this little before its start is a stepped clock: the duration becomes zero

REASONS: Final = {
    "trace_id": "the trace id is not 16 bytes or is all zero",
    "span_id": "the span id is not 8 bytes or is all zero",
    "parent_span_id": "the parent span id is not 8 bytes",
    "no_start_time": "the start time is missing",
    "end_before_start": "the end time is missing or more than 1 s before the start",
    "clock_ahead": "the start or end time is more than 1 h ahead of the collector's clock",
    "malformed": "a text is not UTF-8, or a value is malformed or nested too deep",
    "attributes": f"more than {MAX_ATTRIBUTES} attributes",
}
TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8
# proto3 enums are open: a value of a later version is taken for unspecified.
_KINDS: Final = frozenset(WireSpan.SpanKind.values())
_STATUSES: Final = frozenset(Status.StatusCode.values())
_ERROR: Final = Status.STATUS_CODE_ERROR
_NO_TRACE = bytes(TRACE_ID_BYTES)
_NO_SPAN = bytes(SPAN_ID_BYTES)


class Unreadable(Exception):
    """The bytes are no OTLP request, or one beyond all bounds; the text says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many spans of a request are accepted, and how many are refused for which of REASONS; where, if known."""

    accepted: int
    refused: dict[str, int]
    places: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What the sender is told; empty when nothing was refused."""
        reasons = [f"{count} refused: {REASONS[reason]}" for reason, count in self.refused.items()]
        return "; ".join([*reasons, *self.places])

    def __add__(self, other: Checked) -> Checked:
        refused = Counter(self.refused) + Counter(other.refused)
        return Checked(self.accepted + other.accepted, dict(refused), self.places + other.places)


NOTHING: Final = Checked(0, {})


def check(body: bytes, received_ns: int) -> Checked:
    """Judge a request that came in at `received_ns` (UTC). Raises Unreadable."""
    latest = received_ns + CLOCK_AHEAD_NS
    whole = _whole(body)
    if whole is not None:
        verdicts = Counter(fault(span, latest) for _, _, span in wire.spans(_bounded(whole)))
    else:
        verdicts = Counter(fault(each[2], latest) or _malformed(*each) for each in wire.spans(_parsed(body)))
    accepted = verdicts.pop("", 0)
    return Checked(accepted, dict(verdicts))


def decode(body: bytes, received_ns: int) -> Iterator[Span]:
    """The accepted spans of a request, in wire order. The spans of one resource share its attributes."""
    latest = received_ns + CLOCK_AHEAD_NS
    last: Any = None
    resource: Attributes | None = None
    for of_resource, of_scope, span in wire.spans(_parsed(body)):
        if of_resource is not last:
            last, resource = of_resource, _resource(of_resource)
        if resource is None or fault(span, latest):
            continue
        with suppress(wire.Malformed):  # refused, as `check` has told
            yield _span(span, resource, wire.text(of_scope.scope.name))


def _whole(body: bytes) -> ExportTraceServiceRequest | None:
    """As OTLP's own schema has it, where that reads every part of it; nearly always it does."""
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return None


def _malformed(of_resource: Any, of_scope: Any, span: Any) -> str:
    try:
        _span(span, wire.resource(of_resource.resource), wire.text(of_scope.scope.name))
    except wire.Malformed:
        return "malformed"
    return ""


def _resource(of_resource: Any) -> Attributes | None:
    try:
        return wire.resource(of_resource.resource)
    except wire.Malformed:
        return None


def parse(kind: type[M], body: bytes) -> M:
    """Raises Unreadable."""
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"not an OTLP {kind.DESCRIPTOR.name} in protobuf: {error}") from error


def fault(span: Any, latest_ns: int) -> str:
    """The first of REASONS that holds, or an empty string."""
    trace_id, span_id = span.trace_id, span.span_id  # every look into a message makes an object
    if len(trace_id) != TRACE_ID_BYTES or trace_id == _NO_TRACE:
        return "trace_id"
    if len(span_id) != SPAN_ID_BYTES or span_id == _NO_SPAN:
        return "span_id"
    if len(span.parent_span_id) not in (0, SPAN_ID_BYTES):
        return "parent_span_id"
    if len(span.attributes) > MAX_ATTRIBUTES:
        return "attributes"
    return _time_fault(span.start_time_unix_nano, span.end_time_unix_nano, latest_ns)


def _time_fault(start_ns: int, end_ns: int, latest_ns: int) -> str:
    if not start_ns:
        return "no_start_time"
    if start_ns > latest_ns or end_ns > latest_ns:
        return "clock_ahead"
    return "end_before_start" if end_ns < start_ns - CLOCK_STEP_NS else ""


def _parsed(body: bytes) -> Any:
    try:
        return _bounded(wire.parse(body))
    except DecodeError as error:
        raise Unreadable(f"not an OTLP ExportTraceServiceRequest in protobuf: {error}") from error


def _bounded(request: Any) -> Any:
    """Two bytes are enough for an empty span: the size of a request does not bound the work in it."""
    parts = len(request.resource_spans)
    if parts <= MAX_PARTS:
        parts += sum(len(of_resource.scope_spans) for of_resource in request.resource_spans)
    if parts <= MAX_PARTS:
        parts += sum(len(scope.spans) for of_resource in request.resource_spans for scope in of_resource.scope_spans)
    if parts > MAX_PARTS:
        raise Unreadable(f"more than {MAX_PARTS} spans in one request: export smaller batches")
    return request


def _span(span: Any, resource: Attributes, scope: str) -> Span:
    """Raises wire.Malformed."""
    start, parent, kind = span.start_time_unix_nano, span.parent_span_id, span.kind
    code, message = _status(span)
    attributes = wire.attributes(span.attributes)
    if code == _ERROR and span.events and (raised := wire.exception_type(span.events)):
        attributes.setdefault(wire.EXCEPTION_TYPE, raised)  # many emitters tell it in an event only
    return Span(
        span.trace_id,
        span.span_id,
        parent if parent != _NO_SPAN else b"",
        wire.text(span.name),
        kind if kind in _KINDS else 0,
        start,
        max(start, span.end_time_unix_nano),
        code,
        message,
        attributes,
        resource,
        scope,
    )


def _status(span: Any) -> tuple[int, str]:
    """Raises wire.Malformed."""
    if not span.HasField("status"):
        return 0, ""
    status = span.status
    return status.code if status.code in _STATUSES else 0, wire.text(status.message)
