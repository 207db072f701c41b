"""Messages of AWS's binary event stream, as Bedrock sends them.

Layout: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from spanledger_collector.demo.draft import compact

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json

STRING = 7  # the type of a header's value
MEDIA = "application/vnd.amazon.eventstream"


def event_message(kind: str, data: Json) -> bytes:
    """One event with a JSON payload."""
    return _message({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, data)


def exception_message(kind: str, data: Json) -> bytes:
    """A failure in the middle of a stream; the client raises it."""
    return _message({":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}, data)


def _message(headers: dict[str, str], data: Json) -> bytes:
    """Lengths and their checksum, headers, payload, the checksum of all."""
    named = b"".join(_header(name, value) for name, value in headers.items())
    payload = compact(data).encode()
    lengths = struct.pack(">II", len(named) + len(payload) + 16, len(named))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + named + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    return struct.pack(f">B{len(raw_name)}sBH", len(raw_name), raw_name, STRING, len(raw_value)) + raw_value
