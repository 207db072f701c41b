"""A table on the wire: an Arrow stream, or JSON in which money is an exact decimal string and time is RFC 3339."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from decimal import Decimal

ARROW: Final = "application/vnd.apache.arrow.stream"
JSON: Final = "application/json"


def arrow_stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def json_text(table: pa.Table) -> bytes:
    rows = [*zip(*(_values(column) for column in table.columns), strict=True)]
    return json.dumps({"columns": table.column_names, "rows": rows}, ensure_ascii=False, allow_nan=False).encode()


def plain(money: Decimal) -> str:
    """No exponent, no trailing zeros. Decimal.normalize would round to 28 digits."""
    text = f"{money:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rfc3339(nanoseconds: int) -> str:
    """UTC, with as many decimals of a second as it takes."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{fraction:09}'.rstrip('0') if fraction else ''}Z"


def _values(column: pa.ChunkedArray[Any]) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        # Python's datetime has no nanoseconds.
        numbers = column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64()).to_pylist()
        return [None if number is None else rfc3339(number) for number in numbers]
    values = column.to_pylist()
    if pa.types.is_decimal(kind):
        return [None if value is None else plain(value) for value in values]
    if pa.types.is_map(kind):
        return [None if value is None else dict(value) for value in values]
    if pa.types.is_floating(kind):
        return [value if value is not None and math.isfinite(value) else None for value in values]
    return values
