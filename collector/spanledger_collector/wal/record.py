"""How a request lies in a segment file: magic, length, receive time, checksum, then the request's own bytes."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spanledger_collector.model import Signal

MAGICS: Final[Mapping[Signal, bytes]] = {"traces": b"SLW1", "logs": b"SLL1", "metrics": b"SLM1"}
_SIGNALS: Final[Mapping[bytes, Signal]] = {magic: signal for signal, magic in MAGICS.items()}
_ANY_MAGIC: Final = re.compile(b"|".join(MAGICS.values()))
_HEADER: Final = struct.Struct("<4sIQI")  # magic, body length, receive time in ns (UTC), CRC-32 of all but itself
HEADER_BYTES: Final = _HEADER.size


@dataclass(frozen=True, slots=True)
class Record:
    """One accepted request: its bytes as they came, without transport compression."""

    received_ns: int
    body: bytes
    signal: Signal = "traces"


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that are no record: `torn` at its end (never acknowledged), `checksum` anywhere else."""

    kind: Literal["torn", "checksum"]
    offset: int
    size: int


def header(received_ns: int, body: bytes, signal: Signal = "traces") -> bytes:
    """What goes before `body` in the file."""
    magic = MAGICS[signal]
    return _HEADER.pack(magic, len(body), received_ns, _checksum(magic, received_ns, body))


def records(segment: bytes) -> Iterator[Record | Damage]:
    """Every record in a segment's bytes, and every stretch between them that cannot be read.

    The answer depends on the bytes alone: a segment replayed gives the same records again.
    """
    offset = 0
    while offset < len(segment):
        record = _record_at(segment, offset)
        if record is None:
            following = _next_record(segment, offset)
            yield Damage(_kind(segment, offset, following), offset, following - offset)
            offset = following
        else:
            yield record
            offset += HEADER_BYTES + len(record.body)


def _record_at(segment: bytes, offset: int) -> Record | None:
    if len(segment) - offset < HEADER_BYTES:
        return None
    magic, length, received_ns, checksum = _HEADER.unpack_from(segment, offset)
    body = segment[offset + HEADER_BYTES : offset + HEADER_BYTES + length]
    if magic not in _SIGNALS or len(body) != length or checksum != _checksum(magic, received_ns, body):
        return None
    return Record(received_ns, body, _SIGNALS[magic])


def _next_record(segment: bytes, damaged: int) -> int:
    """Where the next whole record starts, or the segment's end."""
    end = _claimed_end(segment, damaged)
    if end == len(segment) or _record_at(segment, end) is not None:
        return end
    places = (found.start() for found in _ANY_MAGIC.finditer(segment, damaged + 1))
    return next((offset for offset in places if _record_at(segment, offset) is not None), len(segment))


def _kind(segment: bytes, damaged: int, following: int) -> Literal["torn", "checksum"]:
    """A tail cut short was never acknowledged; what is all there and wrong once was."""
    whole = following < len(segment) or _claimed_end(segment, damaged) == len(segment)
    return "checksum" if whole else "torn"


def _claimed_end(segment: bytes, offset: int) -> int:
    """Where the record at `offset` ends by its own header; past the segment's end where there is no header."""
    if len(segment) - offset < HEADER_BYTES:
        return len(segment) + 1
    magic, length, _, _ = _HEADER.unpack_from(segment, offset)
    return offset + HEADER_BYTES + int(length) if magic in _SIGNALS else len(segment) + 1


def _checksum(magic: bytes, received_ns: int, body: bytes) -> int:
    seed = 0 if magic == MAGICS["traces"] else zlib.crc32(magic)  # a flipped bit must not change the signal
    return zlib.crc32(body, zlib.crc32(struct.pack("<IQ", len(body), received_ns), seed))
