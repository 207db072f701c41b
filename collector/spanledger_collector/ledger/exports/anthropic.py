"""Anthropic's usage_report/messages and cost_report, in daily buckets grouped by model. Its amounts are cents."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from spanledger_collector.ledger.exports.bill import Bill, ExportError, buckets, day_of, results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


def read(text: str, provider: str) -> Iterator[Bill]:
    """Raises ExportError."""
    for place, bucket in enumerate(buckets(text)):
        day = day_of(bucket.get("starting_at"), place)
        for index, row in enumerate(results(bucket, place)):
            yield (_cost if "amount" in row else _usage)(row, day, provider or "anthropic", f"{place}.{index}")


def _usage(row: dict[str, Any], day: date, provider: str, line: str) -> Bill:
    if not row.get("model"):
        raise ExportError(f"result {line} names no model; export with group_by[]=model")
    written = sum((row.get("cache_creation") or {}).values())
    read_tokens = row.get("cache_read_input_tokens") or 0
    return Bill(
        day,
        provider,
        str(row["model"]).lower(),
        "usage",
        line,
        input_tokens=(row.get("uncached_input_tokens") or 0) + written + read_tokens,
        cache_read_tokens=read_tokens,
        cache_write_tokens=written,
        output_tokens=row.get("output_tokens"),
    )


def _cost(row: dict[str, Any], day: date, provider: str, line: str) -> Bill:
    if str(row.get("currency", "USD")).upper() != "USD":
        raise ExportError(f"result {line} is in {row['currency']!r}; only US dollars can be compared")
    try:
        cents = Decimal(str(row["amount"]))
    except InvalidOperation as error:
        raise ExportError(f"result {line} has the amount {row['amount']!r}; cents as a decimal are expected") from error
    model = str(row.get("model") or row.get("cost_type") or "other").lower()
    return Bill(day, provider, model, "cost", line, cost=cents.scaleb(-2))
