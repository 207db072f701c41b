"""Records as the store takes them: as Arrow tables they need a third of the memory of the objects they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    RecordKey = tuple[bytes, bytes]  # trace id, span id


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of ``calls`` and of ``spans``: all columns but the segment that brought them."""

    calls: pa.Table
    spans: pa.Table

    @property
    def unpriced_calls(self) -> int:
        """Those without a known cost."""
        return self.calls.column("cost").null_count

    def without(self, known: Collection[RecordKey]) -> Rows:
        """Less these spans, and the calls told in them."""
        return Rows(_without(self.calls, known), _without(self.spans, known)) if known else self

    def unbilled(self, lost: Collection[RecordKey]) -> Rows:
        """Less these calls; their spans stay."""
        return Rows(_without(self.calls, lost), self.spans) if lost else self


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of one part or more, in order."""
    return Rows(pa.concat_tables([part.calls for part in parts]), pa.concat_tables([part.spans for part in parts]))


def records(table: pa.Table) -> list[dict[str, Any]]:
    """A query's rows as Python's values, times to the microsecond: Arrow makes those with nanoseconds into Python's
    only where pandas is installed, which a collector without an embedded store does not ask for.
    """
    told = table.cast(pa.schema(map(_in_microseconds, table.schema)), safe=False)
    names = told.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*map(_values, told.columns), strict=True)]


def _values(column: pa.ChunkedArray[Any]) -> list[Any]:
    """Equal texts are one object: of ten thousand calls a third of the memory."""
    if not pa.types.is_string(column.type):
        return column.to_pylist()
    told = column.combine_chunks().dictionary_encode()
    texts = told.dictionary.to_pylist()
    return [None if at is None else texts[at] for at in told.indices.to_pylist()]


def _in_microseconds(field: pa.Field[Any]) -> pa.Field[Any]:
    if not pa.types.is_timestamp(field.type):
        return field
    return field.with_type(pa.timestamp("us", tz=field.type.tz))


def _without(table: pa.Table, keys: Collection[RecordKey]) -> pa.Table:
    found = zip(table.column("trace_id").to_pylist(), table.column("span_id").to_pylist(), strict=True)
    return table.filter(pa.array([key not in keys for key in found], pa.bool_()))
