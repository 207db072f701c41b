"""What a batch has taken from the C library's heap goes back to the system once the batch is done."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# mallopt(3)
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENAS: Final = -8
LARGE_BYTES: Final = 2 * 2**20  # below, a request's pages would be taken and given back, each time at the kernel's cost
SPARE_BYTES: Final = 16 * 2**20  # a heap keeps
MOST_ARENAS: Final = 2


def give_back() -> None:
    """Segments and the large Arrow buffers get memory of their own, which goes when they do, from now on.

    By itself glibc raises its threshold to the largest block that was freed, up to 32 MiB, and keeps a heap per thread:
    what is below stays with the process, in pieces. Where there is no glibc this changes nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, SPARE_BYTES)
        mallopt(_ARENAS, MOST_ARENAS)
