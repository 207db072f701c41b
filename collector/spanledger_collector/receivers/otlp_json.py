"""OTLP/JSON to the same request in protobuf. It differs from protobuf's own JSON in one point: ids are hex.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import ParseDict, ParseError

from spanledger_collector.otlp import Unreadable

if TYPE_CHECKING:
    from google.protobuf.message import Message

# What json_format and upb raise for wrong shapes, besides their own ParseError (protobuf 7, found by fuzzing).
_MALFORMED: Final = (ParseError, ValueError, TypeError, AttributeError, RecursionError, SystemError)
_IDS: Final = ("traceId", "spanId", "parentSpanId")


def to_protobuf(body: bytes, request: Message) -> bytes:
    """`body` as the protobuf bytes of `request`'s type. Raises Unreadable."""
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise Unreadable(f"not an OTLP request in JSON: an object is expected, not {type(document).__name__}")
        return bytes(ParseDict(_with_ids(document), request, ignore_unknown_fields=True).SerializeToString())
    except _MALFORMED as error:
        raise Unreadable(f"not an OTLP request in JSON: {error}") from error


def _with_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _base64(key, item) if key in _IDS else _with_ids(item) for key, item in node.items()}
    return [_with_ids(item) for item in node] if isinstance(node, list) else node


def _base64(key: str, text: Any) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"{key} is not hexadecimal: {str(text)[:64]!r}") from error
