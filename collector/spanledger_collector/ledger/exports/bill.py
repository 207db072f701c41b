"""One line of a provider's export, and how JSON exports are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any


class ExportError(ValueError):
    """An export that cannot be read: names the place, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a provider says of one model on one UTC day. None: the export does not tell."""

    day: date
    provider: str
    model: str
    source: str  # "usage" or "cost": an import replaces the days it covers of its own kind
    line: str = ""  # what tells lines of one model and day apart
    calls: int | None = None
    input_tokens: int | None = None  # all of them, cached or not
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None  # US dollars


def buckets(text: str) -> list[dict[str, Any]]:
    """The ``data`` of one page, or of a list of pages, as the providers' APIs return them; money stays exact."""
    try:
        document = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise ExportError(f"is no JSON ({error}); save the API's answer as it came") from error
    pages = document if isinstance(document, list) else [document]
    found: list[dict[str, Any]] = []
    for place, page in enumerate(pages):
        data = page.get("data") if isinstance(page, dict) else None
        if not isinstance(data, list):
            raise ExportError(f"page {place} has no list 'data'; save the API's answers whole, several as a JSON list")
        found += data
    return found


def results(bucket: dict[str, Any], place: int) -> list[dict[str, Any]]:
    rows = bucket.get("results")
    if not isinstance(rows, list):
        raise ExportError(f"bucket {place} has no list 'results'; save the API's answers whole")
    return rows


def day_of(value: object, place: int) -> date:
    """Of seconds since the epoch, or RFC 3339."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, timezone.utc).date()
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(timezone.utc).date()
    except (ValueError, OverflowError) as error:
        raise ExportError(f"bucket {place} starts at {value!r}, which is no time; export with daily buckets") from error
