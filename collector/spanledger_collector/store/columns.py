"""One table column from many records. A value its column cannot hold is brought into range, never a reason to stop:
a segment that cannot be written would block every segment behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Record = TypeVar("Record")

TEXT: Final = pa.string()
MONEY: Final = pa.decimal128(38, 18)
TIME: Final = pa.timestamp("ns", tz="UTC")
TEXT_MAP: Final = pa.map_(pa.string(), pa.string())
COUNT_MAP: Final = pa.map_(pa.string(), pa.uint64())
_MONEY_STEP: Final = Decimal(1).scaleb(-18)
_MONEY_DIGITS: Final = 38


@dataclass(frozen=True, slots=True)
class Column(Generic[Record]):
    """``values`` takes the whole batch: a loop per column costs a tenth of a loop per row."""

    name: str
    type: pa.DataType
    values: Callable[[Sequence[Record]], Iterable[object]]


def field(name: str, type: pa.DataType = TEXT, path: str = "") -> Column[Any]:  # noqa: A002 - Arrow's own word
    """The attribute of the same name, or at ``path``."""
    get = attrgetter(path or name)
    return Column(name, type, lambda records: map(get, records))


def read(name: str, type: pa.DataType, of: Callable[[Record], object]) -> Column[Record]:  # noqa: A002
    def column(records: Sequence[Record]) -> Iterable[object]:
        return map(of, records)

    return Column(name, type, column)


def table(columns: Sequence[Column[Record]], records: Sequence[Record]) -> pa.Table:
    """The records as rows."""
    return pa.table({column.name: array(column.values(records), column.type) for column in columns})


def of_segment(rows: pa.Table, segment: int) -> pa.Table:
    """With the segment that brought them."""
    return rows.append_column("segment", pa.repeat(pa.scalar(segment, pa.uint64()), rows.num_rows))


def array(given: Iterable[Any], type: pa.DataType) -> pa.Array[Any]:  # noqa: A002
    """Of plain values; what is an Arrow array already stays as it is."""
    if isinstance(given, pa.Array):
        return given
    values = list(given)
    try:
        return pa.array(values, type)
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return pa.array(list(_fitting(values, type)), type)


def _fitting(values: list[Any], type: pa.DataType) -> Iterator[Any]:  # noqa: A002
    fit: Callable[[Any], Any] = _plain
    if pa.types.is_decimal(type):
        fit = _money
    elif pa.types.is_integer(type):
        signed = pa.types.is_signed_integer(type)
        top = 2 ** (type.bit_width - signed) - 1
        fit = lambda value: min(max(value, -top if signed else 0), top)  # noqa: E731 - binds the bounds
    return (None if value is None else fit(value) for value in values)


def _money(value: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 2 * _MONEY_DIGITS
        return value.quantize(_MONEY_STEP, ROUND_HALF_EVEN)


def _plain(value: Any) -> Any:
    """JSON may carry half a surrogate pair, UTF-8 may not."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
