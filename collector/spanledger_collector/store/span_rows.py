"""The ``spans`` table, one row per accepted span, billed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from spanledger import semconv

from . import columns
from .attributes import CUT, Pairs, pairs, text
from .columns import TEXT_MAP, TIME, Column, field, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanledger_collector.model import Attributes, Span

_NO_SPAN: Final = bytes(8)


def _resources(spans: Sequence[Span]) -> Iterator[Pairs]:
    """The spans of one request share a resource: it is turned into text once."""
    last: Attributes | None = None
    row: Pairs = []
    for span in spans:
        if span.resource is not last:
            last = span.resource
            row = pairs(last)
        yield row


_COLUMNS: Final[tuple[Column[Span], ...]] = (
    field("start", TIME, "start_ns"),
    read("duration_ns", pa.uint64(), lambda span: span.end_ns - span.start_ns),
    field("trace_id", pa.binary(16)),
    field("span_id", pa.binary(8)),
    read("parent_span_id", pa.binary(8), lambda span: span.parent_span_id or _NO_SPAN),
    read("service", pa.string(), lambda span: text(span.resource.get(semconv.SERVICE_NAME))),
    field("name"),
    field("kind", pa.uint8()),
    field("status", pa.uint8()),
    field("status_message"),
    field("scope"),
    read("attributes", TEXT_MAP, lambda span: pairs(span.attributes)),
    Column("resource", TEXT_MAP, _resources),
)


def table(spans: Sequence[Span], segment: int) -> pa.Table:
    return columns.table(_COLUMNS, spans, segment)


def cut_values(rows: pa.Table) -> int:
    """How many attribute values lost their end."""
    values = (cast("pa.MapArray[Any, Any]", chunk).items for chunk in rows.column("attributes").chunks)
    return sum(len(value.filter(pc.ends_with(value, CUT))) for value in values)
