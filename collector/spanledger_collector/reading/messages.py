"""What collector and reader process say to one another, over a pair of sockets."""

from __future__ import annotations

import mmap
import pickle
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanledger_collector.recent import Seen
from spanledger_collector.rows import Rows

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from spanledger_collector.ledger.allocation import Rules
    from spanledger_collector.ledger.modelled import RatiosBySite
    from spanledger_collector.pricing import Book
    from spanledger_collector.tellings import Emitters, Telling
    from spanledger_collector.wal import Segment

_LENGTH: Final = struct.Struct("<Q")
_LARGE_BYTES: Final = 64 * 2**10
_TRACE_ID: Final = struct.Struct("16s")
_SPAN_ID: Final = struct.Struct("8s")
_START: Final = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds as long as the collector runs."""

    letters: Path
    rules: Rules
    book: Book
    edition: tuple[list[Any], str] | None  # see pricing.published.in_use


@dataclass(frozen=True, slots=True)
class Task:
    """Read this; where one of the others is given, it has changed since the last task."""

    segment: Segment
    lines: Sequence[Any] | None = None  # of prices, see Book.use
    ratios: RatiosBySite | None = None
    emitters: Emitters | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a segment holds beside its rows, which were sent before."""

    spans: tuple[bytes, bytes, bytes] = (b"", b"", b"")  # trace ids, span ids, starts: one after the other
    suspects: list[Telling] = field(default_factory=list)
    counted: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    emitters: Emitters | None = None  # where new ones told of calls
    failed: str = ""  # why the segment could not be read

    @staticmethod
    def packed(seen: Sequence[Seen]) -> tuple[bytes, bytes, bytes]:
        """Tuples take a microsecond each to send, their columns a tenth."""
        starts = struct.pack(f"<{len(seen)}q", *(span.start_ns for span in seen))
        return b"".join(span.trace_id for span in seen), b"".join(span.span_id for span in seen), starts

    def seen(self) -> list[Seen]:
        traces, spans, starts = self.spans
        columns = zip(
            _TRACE_ID.iter_unpack(traces), _SPAN_ID.iter_unpack(spans), _START.iter_unpack(starts), strict=True
        )
        return [Seen(trace_id, span_id, start_ns) for (trace_id,), (span_id,), (start_ns,) in columns]


class Wire:
    """One end. Every message is a length and so many bytes; an empty one ends a row of them. Raises OSError, and
    EOFError once the other end is gone.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, message: object) -> None:
        self._send(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def receive(self) -> Any:
        return pickle.loads(self._receive())  # noqa: S301 - nobody else holds the other end

    def send_rows(self, rows: Rows) -> None:
        for content in [_content(rows.calls), _content(rows.spans)]:  # both, or neither
            self._send(content)

    def end_rows(self) -> None:
        self._send(b"")

    def receive_rows(self) -> Iterator[Rows]:
        """Until their end. They lie in the bytes that came."""
        while calls := self._receive():
            yield Rows(_table(calls), _table(self._receive()))

    def close(self) -> None:
        self._connection.close()

    def _send(self, content: Any) -> None:
        self._connection.sendall(_LENGTH.pack(len(content)))
        self._connection.sendall(content)

    def _receive(self) -> bytearray | mmap.mmap:
        return self._exactly(*_LENGTH.unpack(self._exactly(_LENGTH.size)))

    def _exactly(self, length: int) -> bytearray | mmap.mmap:
        content = _room(length)
        view, at = memoryview(content), 0
        while at < length:
            received = self._connection.recv_into(view[at:])
            if not received:
                raise EOFError("the other end is gone")
            at += received
        return content


def _room(length: int) -> bytearray | mmap.mmap:
    """Rows have memory of their own, which goes when they do; in the heap they would leave holes."""
    return bytearray(length) if length < _LARGE_BYTES else mmap.mmap(-1, length)


def _content(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _table(content: bytearray | mmap.mmap) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(content)).read_all()
