"""OTLP spans as bytes, without a message object for each: encoded attributes are remembered and joined.

Field numbers: https://github.com/open-telemetry/opentelemetry-proto (trace.proto, common.proto, resource.proto).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from spanledger._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value = str | bool | int | float | tuple["Value", ...]
CLIENT = 3
STATUS_ERROR = b"\x7a\x02\x18\x02"  # status { code: ERROR }, without a description
FLAGS = b"\x85\x01" + struct.pack("<I", 0x100)  # has-is-remote is known: no remote parent
SCOPE = "spanledger"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


SMALL = tuple(_varint(value) for value in range(1 << 14))


def varint(value: int) -> bytes:
    return SMALL[value] if 0 <= value < len(SMALL) else _varint(value)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def _any_value(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"\x10" + varint(value)
    if isinstance(value, str):
        return field(1, value.encode())
    if isinstance(value, int):
        return b"\x18" + varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return b"\x21" + struct.pack("<d", value)
    return field(5, b"".join(field(1, _any_value(item)) for item in value))


def key_value(name: str, value: Value) -> bytes:
    return _name(name) + field(2, _any_value(value))


@lru_cache
def _name(name: str) -> bytes:
    return field(1, name.encode())


@lru_cache(maxsize=65_536, typed=True)
def _attribute(name: str, value: Value) -> bytes:
    return field(9, key_value(name, value))


def encode_attributes(values: Mapping[str, Value], unique: Mapping[str, Value]) -> bytes:
    """``unique`` ones are not worth remembering: ids, hashes, measured seconds."""
    parts = [_attribute(name, value) for name, value in values.items()]
    parts += [field(9, key_value(name, value)) for name, value in unique.items()]
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class SpanBytes:
    """One encoded span and when it started, UTC nanoseconds."""

    start_ns: int
    body: bytes


def encode_span(
    ids: bytes,
    name: str,
    times_ns: tuple[int, int],
    attributes: bytes,
    *,
    failed: bool = False,
    kind: int = CLIENT,
    parent: bytes = b"",
) -> SpanBytes:
    """``ids``: sixteen bytes of trace id, then eight of span id. ``times_ns``: start and end."""
    body = b"".join(
        (
            b"\x0a\x10" + ids[:16] + b"\x12\x08" + ids[16:24],
            b"\x22\x08" + parent if parent else b"",
            field(5, name.encode()),
            bytes((0x30, kind)),
            b"\x39" + struct.pack("<Q", times_ns[0]) + b"\x41" + struct.pack("<Q", times_ns[1]),
            attributes,
            STATUS_ERROR if failed else b"",
            FLAGS,
        )
    )
    return SpanBytes(times_ns[0], field(2, body))


def encode_resource_spans(resource: Mapping[str, Value], spans: Iterable[SpanBytes]) -> bytes:
    """One ResourceSpans of an export request, whose bytes are these one after another."""
    described = b"".join(field(1, key_value(name, value)) for name, value in resource.items())
    scope = field(1, field(1, SCOPE.encode()) + field(2, __version__.encode()))
    scope_spans = scope + b"".join(span.body for span in spans)
    return field(1, field(1, described) + field(2, scope_spans))
