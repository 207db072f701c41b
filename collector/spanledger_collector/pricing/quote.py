"""A price for a usage object one has at hand: the same book and the same arithmetic as the ledger's."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from spanledger_collector.model import Call
from spanledger_collector.pricing import raw_usage

if TYPE_CHECKING:
    from spanledger_collector.model import Cost
    from spanledger_collector.pricing.book import Book


class QuoteError(ValueError):
    """A record that cannot be quoted: names the field, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The cost of one record and how it came about."""

    cost: Cost
    explanation: str


def quote(book: Book, record: Mapping[str, Any]) -> Quote:
    """Quote ``{provider, model, timestamp (RFC 3339), service_tier?, usage}``, with the provider's raw usage object."""
    usage = record.get("usage")
    if not isinstance(usage, Mapping):
        raise QuoteError(f"'usage' is {usage!r}; give the object that the provider's API returned")
    call = _call(record)
    told = raw_usage.read(usage, book.provider(call))
    call.usage, call.region, call.reported_cost = told.usage, told.region, told.reported_cost
    if book.is_standard(call.service_tier):
        call.service_tier = told.service_tier
    return Quote(book.price(call), book.explain(call))


def _call(record: Mapping[str, Any]) -> Call:
    model = _text(record, "model")
    return Call(
        trace_id=b"",
        span_id=b"",
        parent_span_id=b"",
        start_ns=nanoseconds(_text(record, "timestamp")),
        duration_ns=0,
        dialect="quote",
        service="",
        service_version="",
        environment="",
        provider=_text(record, "provider"),
        server_address="",
        operation="chat",
        request_model=model,
        model=model,
        response_id="",
        stream=False,
        outcome="ok",
        error_type="",
        http_status=0,
        finish_reason="",
        service_tier=str(record.get("service_tier") or ""),
        attempts=1,
        first_chunk_ns=None,
        usage=None,
    )


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise QuoteError(f"'{key}' is {value!r}; give it as text")
    return value


def nanoseconds(timestamp: str) -> int:
    """RFC 3339 to nanoseconds since the epoch; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except ValueError as error:
        raise QuoteError(f"'timestamp' is {timestamp!r}; write it as 2026-11-23T12:00:00Z") from error
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment
    return calendar.timegm(moment.utctimetuple()) * 1_000_000_000 + moment.microsecond * 1000
