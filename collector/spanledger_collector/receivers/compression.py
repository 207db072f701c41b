"""Undoing a request's Content-Encoding piece by piece, so that no more than the limit is ever held."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_ZSTD_WINDOW: Final[Mapping[int, int]] = {
    zstd.DecompressionParameter.window_log_max: 23
}  # 8 MiB, RFC 9659; a frame may claim far more


class Unpacker(Protocol):
    """A decompressor of the standard library, while its input comes in."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


UNPACKERS: Final[Mapping[str, Callable[[], Unpacker]]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP_OR_ZLIB),
    "deflate": lambda: zlib.decompressobj(_GZIP_OR_ZLIB),
    "zstd": lambda: zstd.ZstdDecompressor(options=_ZSTD_WINDOW),
}
ENCODINGS: Final = ("", "identity", *UNPACKERS)


class TooLarge(Exception):
    """The body, or what it unpacks to, is over the limit; the text says which and by how much."""


class NotCompressed(Exception):
    """The body is not what its Content-Encoding says."""


class Body:
    """A request body while it comes in. `pieces` go in with `feed`, the unpacked whole comes out of `finish`."""

    def __init__(self, encoding: str, max_wire: int, max_unpacked: int) -> None:
        self._unpacker = UNPACKERS[encoding]() if encoding in UNPACKERS else None
        self._max_wire, self._max_unpacked = max_wire, max_unpacked
        self._wire = self._unpacked = 0
        self._pieces: list[bytes] = []

    def expect(self, content_length: str) -> None:
        """Refuse a body by what it says of itself, before a byte of it is read. Raises TooLarge."""
        if content_length.isdigit() and int(content_length) > self._max_wire:
            raise self._too_large()

    def feed(self, piece: bytes) -> int:
        """How many bytes it unpacked to. Raises TooLarge and NotCompressed."""
        self._wire += len(piece)
        if self._wire > self._max_wire:
            raise self._too_large()
        unpacked = self._unpack(self._unpacker, piece) if self._unpacker and piece else piece
        self._unpacked += len(unpacked)
        if self._unpacked > self._max_unpacked:
            raise TooLarge(f"the body unpacks to more than {self._max_unpacked} bytes: export smaller batches")
        self._pieces.append(unpacked)
        return len(unpacked)

    def finish(self) -> bytes:
        """Raises NotCompressed for a compressed body cut short."""
        if self._unpacker is not None and not self._unpacker.eof and self._wire:
            raise NotCompressed("the compressed body ends before its end")
        return b"".join(self._pieces)

    def _unpack(self, unpacker: Unpacker, piece: bytes) -> bytes:
        try:
            unpacked = unpacker.decompress(piece, self._max_unpacked - self._unpacked + 1)
        except EOFError as error:
            raise NotCompressed("there are bytes after the end of the compressed body") from error
        except (zlib.error, zstd.ZstdError) as error:
            raise NotCompressed(f"the body is not compressed as its Content-Encoding says: {error}") from error
        if unpacker.unused_data:
            raise NotCompressed("there are bytes after the end of the compressed body")
        return unpacked

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._max_wire} bytes: export smaller batches")
