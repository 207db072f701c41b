"""The ``spans`` table, one row per accepted span, billed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanledger import semconv

from . import attributes, columns
from .attributes import text
from .columns import TEXT_MAP, TIME, Column, field, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.model import Span

_NO_SPAN: Final = bytes(8)

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
    Column("attributes", TEXT_MAP, lambda spans: attributes.maps(span.attributes for span in spans)),
    Column("resource", TEXT_MAP, lambda spans: attributes.shared_maps([span.resource for span in spans])),
)


def table(spans: Sequence[Span]) -> pa.Table:
    return columns.table(_COLUMNS, spans)


def cut_values(rows: pa.Table) -> int:
    """How many attribute values lost their end."""
    return attributes.cut_values(rows.column("attributes"))
