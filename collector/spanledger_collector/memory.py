"""Memory goes back to the system: what a batch has taken from the heaps of the C library and the engine, once it is
done, and what of libraries was needed once.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# mallopt(3)
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENAS: Final = -8
LARGE_BYTES: Final = 2 * 2**20  # below, a request's pages would be taken and given back, each time at the kernel's cost
SPARE_BYTES: Final = 16 * 2**20  # a heap keeps
MOST_ARENAS: Final = 2
GC_THRESHOLD: Final = 100_000  # objects; at Python's default a third of the time of a batch is collecting
_DONT_NEED: Final = 4  # madvise(2)
# A mapping of a file that is only read, up to how much of it differs from the file.
_READ_ONLY: Final = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ \d+ +/.*\n(?:\w+: .*\n)*?Anonymous: +0 kB", re.MULTILINE
)
# By itself it keeps what was freed for five seconds, and buffers below 64 MiB with the thread that had them.
_OF_ENGINE: Final = ("JE_MALLOC_CONF", "dirty_decay_ms:100,oversize_threshold:4194304")


def engine_gives_back() -> None:
    """The embedded engine has an allocator of its own, jemalloc: asked for before the engine is loaded, it returns what
    inserts and merges have freed. What the environment says about it already stays.
    """
    os.environ.setdefault(*_OF_ENGINE)


def settle() -> None:
    """All is loaded, and long work begins: what is loaded stays, what a batch is made of comes and goes."""
    give_back()
    tidy()
    gc.freeze()  # a batch is thousands of dicts, none of them in a cycle
    gc.set_threshold(GC_THRESHOLD, 50, 50)


class _NoPandas:
    """An importer that finds it nowhere."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - importlib's
        if name == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=name)


def without_pandas() -> None:
    """Before it makes an array of a list, Arrow imports pandas where it is installed, to see whether the list is one of
    its own: 35 MB of a process that has none. From now on it is not found here; what reads times with
    nanoseconds back reads them by ``rows.records``.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)


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


def tidy() -> None:
    """What is spare by now goes back: a few milliseconds. Where there is no Linux this changes nothing."""
    _trim()
    _forget_files()


def _trim() -> None:
    """The holes in glibc's heaps: by itself it gives back what is free at their ends alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _forget_files() -> None:
    """The pages of libraries' code and constants, most of which are needed once: the engine alone goes through 170 MB
    to begin with. What is needed again is mapped again, from the page cache.
    """
    with suppress(OSError):
        for start, end in _unchanged(Path("/proc/self/smaps").read_text()):
            ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)


def _unchanged(mappings: str) -> Iterator[tuple[int, int]]:
    """Read-only mappings of files none of whose pages was written to: nothing but the file is in them."""
    for found in _READ_ONLY.finditer(mappings):
        yield int(found[1], 16), int(found[2], 16)
