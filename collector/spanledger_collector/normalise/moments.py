"""Calls told of by one event when they had ended, with how long they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanledger_collector.model import Attributes, AttributeValue, Call, Span

EVENT_NAME = "event.name"
LONGEST_MS = 86_400_000.0  # a day


def name_of(span: Span) -> str:
    """The event's name: as an attribute where there is one, for Rust's tracing names a record by its place in code."""
    told = span.attributes.get(EVENT_NAME)
    return told if isinstance(told, str) else span.name


def ended(call: Call, attributes: Attributes, name: str = "duration_ms") -> Call:
    """The call, begun as long before its event as the attribute says, in milliseconds."""
    call.duration_ns = min(call.start_ns, nanoseconds(attributes.get(name)))
    call.start_ns -= call.duration_ns
    return call


def nanoseconds(milliseconds: AttributeValue) -> int:
    """Of a number, or a number as text, of no more than a day; else 0."""
    if isinstance(milliseconds, str) and len(milliseconds) <= 32:  # noqa: PLR2004 - no number is longer
        try:
            milliseconds = float(milliseconds)
        except ValueError:
            return 0
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return 0
    return int(milliseconds * 1_000_000) if 0 <= milliseconds <= LONGEST_MS else 0
