"""The outer parts of an OTLP log request, as a protobuf schema of its own: each record is left as bytes.

One malformed record then costs itself and not the request.
https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE: Final = "spanledger.wire.logs"
# Message: its fields as name, number and the message they are; empty for bytes.
_FIELDS: Final = {
    "Scope": (("name", 1, ""),),
    "ScopeLogs": (("scope", 1, "Scope"), ("log_records", 2, "")),
    "ResourceLogs": (("resource", 1, ""), ("scope_logs", 2, "ScopeLogs")),
    "Request": (("resource_logs", 1, "ResourceLogs"),),
}
_REPEATED: Final = frozenset({"log_records", "scope_logs", "resource_logs"})


def _field(name: str, number: int, message: str) -> Field:
    label = Field.LABEL_REPEATED if name in _REPEATED else Field.LABEL_OPTIONAL
    if not message:
        return Field(name=name, number=number, label=label, type=Field.TYPE_BYTES)
    return Field(name=name, number=number, label=label, type=Field.TYPE_MESSAGE, type_name=f".{_PACKAGE}.{message}")


def _schema() -> Any:
    file = FileDescriptorProto(name="spanledger/wire_logs.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        file.message_type.add(name=message, field=[_field(*field) for field in fields])
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Request"))


_Request: Final = _schema()


def parse(body: bytes) -> Any:
    """A request by this schema. Raises google.protobuf.message.DecodeError."""
    return _Request.FromString(body)
