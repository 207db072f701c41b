"""The one place where a failure of our own ends: counted, logged once without content, never raised into the host."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

log = logging.getLogger("spanledger")
faults: Counter[str] = Counter()  # by "work: ErrorType at file:line"
_said: set[str] = set()
_T = TypeVar("_T")


def guarded(work: Callable[..., _T], *args: Any) -> _T | None:
    """What `work(*args)` returns, or None when it failed."""
    try:
        return work(*args)
    except Exception as fault:  # noqa: BLE001 - this is the guard: the host must never see our failures
        note(work, fault)
        return None


def note(work: Callable[..., Any], fault: Exception) -> None:
    """Count `fault` and log its kind and place once. Its text may quote a prompt, so it is left out."""
    name = getattr(work, "__qualname__", "spanledger")
    kind = f"{name}: {type(fault).__name__} at {_place(fault.__traceback__)}"
    faults[kind] += 1
    warn_once(kind, "spanledger failed in %s; the call itself is not affected (said once)", kind)


def warn_once(key: str, message: str, *args: object) -> None:
    if key not in _said:
        _said.add(key)
        log.warning(message, *args)


def _place(trace: TracebackType | None) -> str:
    place = "unknown"
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
