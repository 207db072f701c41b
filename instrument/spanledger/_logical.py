"""Calls that are one to the application: repeats after a failure, and another model in place of one that failed.

Retries above the SDK (tenacity, stamina, backoff, own loops) and fallbacks (Router, chains, `except` blocks) send the
same messages again, under the same parent, once a call has failed. They carry the first one's logical id and their
ordinal. A repeat that began before the failure, or comes after a success, is a call of its own.
"""

from __future__ import annotations

import os
from collections import deque
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from . import semconv
from ._later import LATER

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from ._call import Call, Made

_MOST: Final = 1000  # requests that failed and may come again
_MOST_EACH: Final = 32  # of them with the same messages in one place: a batch that fails as a whole
_LONGEST_NS: Final = 600 * 10**9  # after that, a repeat is a call of its own

_Key = tuple["Hashable", str]  # the parent, or the context of a call without one; operation and hash of the messages
_failed: dict[_Key, deque[Logical]] = {}  # oldest first


class Logical:
    """One call's part in what the application asked for."""

    __slots__ = ("failed_ns", "id", "key", "model", "ordinal", "request")

    def __init__(self, key: _Key, request: str, model: str, logical_id: str) -> None:
        self.key = key
        self.request = request
        self.model = model
        self.id = logical_id
        self.ordinal = 1
        self.failed_ns = 0


def placed(call: Call, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """On our own thread, once a call's hashes are known: what it is a repeat of, if anything."""
    messages, request = hashes.get(semconv.FINGERPRINT_MESSAGES), hashes.get(semconv.FINGERPRINT_REQUEST)
    if messages is None or request is None:
        return {}
    span_id = call.span.get_span_context().span_id if call.span is not None else 0
    own = f"{span_id:016x}" if span_id else os.urandom(8).hex()
    key = (_place(call), f"{call.attributes[semconv.OPERATION_NAME]} {messages}")
    logical = Logical(key, request, call.request.model, own)
    told: dict[str, Any] = {}
    before = _claimed(logical, call.start_ns)
    if before is not None:
        logical.id, logical.ordinal = before.id, before.ordinal + 1
        if before.model != logical.model:
            told[semconv.FALLBACK_FROM] = before.model
    told |= {semconv.LOGICAL_ID: logical.id, semconv.LOGICAL_ORDINAL: logical.ordinal}
    _settle(call.made, logical)
    return told


def _place(call: Call) -> Hashable:
    parent = trace.get_current_span(call.parent).get_span_context()
    return (parent.trace_id, parent.span_id) if parent.is_valid else call.made.place


def _claimed(logical: Logical, start_ns: int) -> Logical | None:
    """The failure that this call repeats, taken out of those that wait; the same request before another model."""
    with LATER.lock:
        waiting = _failed.get(logical.key)
        if waiting is None:
            return None
        fitting = [each for each in waiting if each.failed_ns <= start_ns <= each.failed_ns + _LONGEST_NS]
        same = [each for each in fitting if each.request == logical.request]
        others = [each for each in fitting if each.model != logical.model]
        if not same and not others:
            return None
        found = (same or others)[-1]
        waiting.remove(found)
        if not waiting:
            del _failed[logical.key]
        return found


def _settle(made: Made, logical: Logical) -> None:
    with LATER.lock:
        made.logical = logical
        if made.failed_ns:  # it failed before its hashes were here
            _wait(logical, made.failed_ns)


def failed(made: Made) -> None:
    """The call failed, or its reply was found invalid: from now on it may be repeated."""
    with LATER.lock:
        first, made.failed_ns = not made.failed_ns, made.failed_ns or time_ns()
        if first and made.logical is not None:
            _wait(made.logical, made.failed_ns)


def _wait(logical: Logical, failed_ns: int) -> None:
    logical.failed_ns = failed_ns
    waiting = _failed.setdefault(logical.key, deque(maxlen=_MOST_EACH))
    waiting.append(logical)
    if len(_failed) > _MOST:
        del _failed[next(iter(_failed))]
