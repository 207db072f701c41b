"""The parts of an OTLP trace request that the ledger reads, as a protobuf schema of its own.

It reads the same bytes as OTLP's schema, but takes text and attributes as raw bytes. One malformed attribute then costs
its span and not the request; and an attribute seen before, as most are, is looked up instead of read again.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from spanledger_collector.model import Attributes, AttributeValue

EXCEPTION_TYPE: Final = "exception.type"
MAX_KEPT: Final = 16_384  # attributes remembered
MAX_KEPT_BYTES: Final = 128  # of one of them
MAX_KEPT_VALUES: Final = 1024  # of one name: ids and previews, which never come again, would push out all others
_BYTES: Final = Field.TYPE_BYTES
_FIELDS: Final = {
    "Status": (("message", 2, _BYTES), ("code", 3, Field.TYPE_INT32)),
    "Span": (
        ("trace_id", 1, _BYTES),
        ("span_id", 2, _BYTES),
        ("parent_span_id", 4, _BYTES),
        ("name", 5, _BYTES),
        ("kind", 6, Field.TYPE_INT32),
        ("start_time_unix_nano", 7, Field.TYPE_FIXED64),
        ("end_time_unix_nano", 8, Field.TYPE_FIXED64),
        ("attributes", 9, [_BYTES]),
        ("events", 11, [_BYTES]),
        ("status", 15, "Status"),
    ),
    "Scope": (("name", 1, _BYTES),),
    "ScopeSpans": (("scope", 1, "Scope"), ("spans", 2, ["Span"])),
    "ResourceSpans": (("resource", 1, _BYTES), ("scope_spans", 2, ["ScopeSpans"])),
    "Request": (("resource_spans", 1, ["ResourceSpans"]),),
}


class Malformed(ValueError):
    """A text that is not UTF-8, or a value that is none or nested too deep."""


def _field(name: str, number: int, kind: Any) -> Field:
    """A list of one kind is a repeated field; a name is a message."""
    one = kind[0] if isinstance(kind, list) else kind
    field = Field(name=name, number=number, label=Field.LABEL_REPEATED if one is not kind else Field.LABEL_OPTIONAL)
    if isinstance(one, str):
        field.type, field.type_name = Field.TYPE_MESSAGE, f".spanledger.wire.{one}"
    else:
        field.type = one
    return field


def _schema() -> type[Message]:
    file = FileDescriptorProto(name="spanledger/wire.proto", package="spanledger.wire", syntax="proto3")
    for message, fields in _FIELDS.items():
        file.message_type.add(name=message, field=[_field(*field) for field in fields])
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("spanledger.wire.Request"))


_Request: Final = _schema()


def parse(body: bytes) -> Any:
    """A request by this schema. Raises google.protobuf.message.DecodeError."""
    return _Request.FromString(body)


def text(raw: bytes) -> str:
    """Raises Malformed."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text is not UTF-8") from error


class _Known(dict[bytes, tuple[str, "AttributeValue"]]):
    """Attributes by their bytes. Values are shared between spans: nobody may change one."""

    def __init__(self) -> None:
        self._different: dict[str, int] = {}  # values remembered, by name

    def __missing__(self, raw: bytes) -> tuple[str, AttributeValue]:
        try:
            pair = KeyValue.FromString(raw)
        except DecodeError as error:
            raise Malformed(str(error)) from error
        name = intern(pair.key)  # spans are read by names: one object each, and no two are compared by their letters
        found = name, _quick(pair.value)
        if len(raw) <= MAX_KEPT_BYTES and self._different.get(name, 0) < MAX_KEPT_VALUES:
            self._keep(raw, found)
        return found

    def _keep(self, raw: bytes, found: tuple[str, AttributeValue]) -> None:
        if len(self) >= MAX_KEPT:
            self.clear()
            self._different.clear()
        self._different[found[0]] = self._different.get(found[0], 0) + 1
        self[raw] = found


_known: Final = _Known()


def attributes(raw: Iterable[bytes]) -> Attributes:
    """Raises Malformed."""
    return dict(map(_known.__getitem__, raw))


def exception_type(events: Iterable[bytes]) -> str:
    """The class of what was raised, as the first event that says it has it. Raises Malformed.

    https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/
    """
    for raw in events:
        try:
            event = Span.Event.FromString(raw)
        except DecodeError as error:
            raise Malformed(str(error)) from error
        for pair in event.attributes:
            if pair.key == EXCEPTION_TYPE and pair.value.string_value:
                return pair.value.string_value
    return ""


def resource(raw: bytes) -> Attributes:
    """Raises Malformed."""
    try:
        return attributes_of(Resource.FromString(raw).attributes)
    except DecodeError as error:
        raise Malformed(str(error)) from error


def attributes_of(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _quick(pair.value) for pair in pairs}


def plain(value: AnyValue) -> AttributeValue:
    """What a value holds; protobuf's parser has refused what nests deeper than 100 messages."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return cast("AttributeValue", attributes_of(value.kvlist_value.values))
    scalar: Any = getattr(value, kind)
    return cast("AttributeValue", scalar)


def _quick(value: AnyValue) -> AttributeValue:
    """Most values are text or whole numbers: trying both costs less than asking for the kind."""
    return value.string_value or value.int_value or plain(value)


def spans(request: Any) -> Iterator[tuple[Any, Any, Any]]:
    """(of a resource, of a scope, span) in wire order."""
    for of_resource in request.resource_spans:
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield of_resource, of_scope, span
