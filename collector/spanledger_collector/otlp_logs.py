"""OTLP log requests: what is wrong with one, and the events in it, each as a span of no length.

Some emitters tell of a call by a log record and no span. Such a record needs an identity, so that one sent again is
known: its own bytes give it one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from spanledger_collector import otlp, wire, wire_logs
from spanledger_collector.model import Span
from spanledger_collector.otlp import Checked, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spanledger_collector.model import Attributes

T = TypeVar("T")
BODY: Final = "log.record.body"  # where the record's body stands among the attributes
EVENT_NAME: Final = "event.name"  # the attribute of emitters older than the field
SEVERITY_ERROR: Final = 17  # https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_ERROR: Final = 2
_NO_ID: Final = (b"", bytes(otlp.TRACE_ID_BYTES), bytes(otlp.SPAN_ID_BYTES))


def check(body: bytes, received_ns: int) -> Checked:
    """Judge a request that came in at `received_ns` (UTC). Raises Unreadable."""
    latest = received_ns + otlp.CLOCK_AHEAD_NS
    verdicts: Counter[str] = Counter()
    for resource, scope, records in _groups(body):
        if resource is None or scope is None:
            verdicts["malformed"] += len(records)
        else:
            verdicts.update(_verdict(raw, latest) for raw in records)
    accepted = verdicts.pop("", 0)
    return Checked(accepted, {reason: count for reason, count in verdicts.items() if count})


def decode(body: bytes, received_ns: int) -> Iterator[Span]:
    """The accepted records of a request as events, in wire order."""
    latest = received_ns + otlp.CLOCK_AHEAD_NS
    for resource, scope, records in _groups(body):
        if resource is None or scope is None:
            continue  # refused, as `check` has told
        for raw in records:
            if not _verdict(raw, latest):
                yield _event(LogRecord.FromString(raw), resource, scope, received_ns)


def _verdict(raw: bytes, latest_ns: int) -> str:
    """The first of otlp.REASONS that holds, or an empty string."""
    try:
        return _fault(LogRecord.FromString(raw), latest_ns)
    except DecodeError:
        return "malformed"


def _fault(record: LogRecord, latest_ns: int) -> str:
    if record.trace_id not in _NO_ID and len(record.trace_id) != otlp.TRACE_ID_BYTES:
        return "trace_id"
    if record.span_id not in _NO_ID and len(record.span_id) != otlp.SPAN_ID_BYTES:
        return "span_id"
    if max(record.time_unix_nano, record.observed_time_unix_nano) > latest_ns:
        return "clock_ahead"
    return "attributes" if len(record.attributes) > otlp.MAX_ATTRIBUTES else ""


def _groups(body: bytes) -> Iterator[tuple[Attributes | None, str | None, list[bytes]]]:
    """Resource, scope and records by scope; None for what is malformed. Raises Unreadable."""
    for of_resource in _bounded(body).resource_logs:
        resource = _readable(wire.resource, of_resource.resource)
        for of_scope in of_resource.scope_logs:
            yield resource, _readable(wire.text, of_scope.scope.name), of_scope.log_records


def _readable(read: Callable[[bytes], T], raw: bytes) -> T | None:
    try:
        return read(raw)
    except wire.Malformed:
        return None


def _bounded(body: bytes) -> Any:
    """Two bytes are enough for an empty record: the size of a request does not bound the work in it."""
    try:
        request = wire_logs.parse(body)
    except DecodeError as error:
        raise Unreadable(f"not an OTLP ExportLogsServiceRequest in protobuf: {error}") from error
    parts = len(request.resource_logs)
    if parts <= otlp.MAX_PARTS:
        parts += sum(len(of_resource.scope_logs) for of_resource in request.resource_logs)
    if parts <= otlp.MAX_PARTS:
        parts += sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
    if parts > otlp.MAX_PARTS:
        raise Unreadable(f"more than {otlp.MAX_PARTS} log records in one request: export smaller batches")
    return request


def _event(record: LogRecord, resource: Attributes, scope: str, received_ns: int) -> Span:
    attributes = wire.attributes_of(record.attributes)
    name = record.event_name or str(attributes.get(EVENT_NAME) or "")
    if record.HasField("body"):
        attributes.setdefault(BODY, wire.plain(record.body))
    moment = record.time_unix_nano or record.observed_time_unix_nano or received_ns
    digest = _digest(record, resource, scope)
    return Span(
        trace_id=digest[: otlp.TRACE_ID_BYTES] if record.trace_id in _NO_ID else record.trace_id,
        span_id=digest[otlp.TRACE_ID_BYTES :],
        parent_span_id=b"" if record.span_id in _NO_ID else record.span_id,
        name=name,
        kind=0,
        start_ns=moment,
        end_ns=moment,
        status=_ERROR if record.severity_number >= SEVERITY_ERROR else 0,
        status_message="",
        attributes=attributes,
        resource=resource,
        scope=scope,
        event=True,
    )


def _digest(record: LogRecord, resource: Attributes, scope: str) -> bytes:
    said = hashlib.blake2b(record.SerializeToString(deterministic=True), digest_size=otlp.TRACE_ID_BYTES + 8)
    said.update(repr((sorted(resource.items(), key=str), scope)).encode("utf-8", "replace"))
    return said.digest()
