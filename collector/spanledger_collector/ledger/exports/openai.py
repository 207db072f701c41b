"""OpenAI's /v1/organization/usage/completions and /v1/organization/costs, in daily buckets grouped by model or line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.ledger.exports.bill import Bill, ExportError, buckets, day_of, results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_COST: Final = "organization.costs.result"


def read(text: str, provider: str) -> Iterator[Bill]:
    """Raises ExportError."""
    for place, bucket in enumerate(buckets(text)):
        day = day_of(bucket.get("start_time"), place)
        for index, row in enumerate(results(bucket, place)):
            kind = str(row.get("object"))
            yield (_cost if kind == _COST else _usage)(row, day, provider or "openai", f"{place}.{index}")


def _usage(row: dict[str, Any], day: date, provider: str, line: str) -> Bill:
    if not row.get("model"):
        raise ExportError(f"result {line} names no model; export with group_by=model")
    return Bill(
        day,
        provider,
        str(row["model"]).lower(),
        "usage",
        line,
        calls=row.get("num_model_requests"),
        input_tokens=row.get("input_tokens"),
        cache_read_tokens=row.get("input_cached_tokens"),
        output_tokens=row.get("output_tokens"),
    )


def _cost(row: dict[str, Any], day: date, provider: str, line: str) -> Bill:
    amount = row.get("amount") or {}
    if str(amount.get("currency", "")).lower() != "usd":
        raise ExportError(f"result {line} is in {amount.get('currency')!r}; only US dollars can be compared")
    item = str(row.get("line_item") or "")
    if not item:
        raise ExportError(f"result {line} has no line_item; export with group_by=line_item")
    return Bill(day, provider, item.partition(",")[0].strip().lower(), "cost", line, cost=Decimal(amount["value"]))
