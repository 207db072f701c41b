"""Rows by the month in which they start: a block never spans two partitions, so that its token is told once."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = date(1970, 1, 1)


def by_month(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """(month, its rows in one piece)."""
    starts = table.column("start").cast(pa.int64())
    if not table.num_rows:
        return
    if month_of(pc.min(starts).as_py()) == (month := month_of(pc.max(starts).as_py())):
        yield month, table.combine_chunks()
        return
    months = [month_of(start or 0) for start in starts.to_pylist()]
    for month in dict.fromkeys(months):
        of_month = pa.array([each == month for each in months], pa.bool_())
        yield month, table.filter(of_month).combine_chunks()


def month_of(start_ns: int) -> str:
    """The partition of what starts then: ``202611``."""
    return _month(start_ns // _DAY_NS)


@lru_cache(maxsize=1024)
def _month(day: int) -> str:
    return f"{_EPOCH + timedelta(days=day):%Y%m}"
