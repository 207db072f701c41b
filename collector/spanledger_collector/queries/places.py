"""The newest calls of each place in the caller's software: wide rows are read of those alone.

Detectors ask while calls come in: what they read is bounded in rows, and each query in threads and memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from .parameter import count
from .query import COUNT, MONEY, TEXT, TIME, columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .query import Asked, Columns

_COLUMNS: Final = ("service", "feature", "provider", "model", "code_file", "code_line")
PER_PLACE: Final = count("limit", "Calls per place.", default=500, most=20_000)
IN_ALL: Final = count("most", "Calls of all places together; the newest.", default=10_000, most=150_000)
SITE: Final = "if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line)))"
# One thread, small blocks, and on disk what does not fit: beside the calls that come in, nobody waits for a detector.
BOUNDED: Final = (
    " SETTINGS max_threads = 1, max_block_size = 8192, max_memory_usage = 400000000,"
    " max_bytes_before_external_group_by = 64000000, max_bytes_before_external_sort = 64000000,"
    " max_bytes_ratio_before_external_group_by = 0, max_bytes_ratio_before_external_sort = 0"
)

# Columns of an answer by name: what is selected from the calls ``c``, and its type.
PLACE: Final[Mapping[str, tuple[str, pa.DataType]]] = {
    **{name: (f"c.{name}", TEXT) for name in ("service", "feature", "provider", "model")},
    "call_site": (SITE, TEXT),
}
CALL: Final[Mapping[str, tuple[str, pa.DataType]]] = {
    "start": ("c.start", TIME),
    **PLACE,
    "version": ("c.service_version", TEXT),
    "trace_id": ("lower(hex(c.trace_id))", TEXT),
    "span_id": ("lower(hex(c.span_id))", TEXT),
    "conversation": ("c.conversation", TEXT),
    "uncached_tokens": ("c.uncached_input_tokens", COUNT),
    "read_tokens": ("c.cache_read_tokens", COUNT),
    "write_5m_tokens": ("c.cache_write_5m_tokens", COUNT),
    "write_1h_tokens": ("c.cache_write_1h_tokens", COUNT),
    "cost_usd": ("c.cost", MONEY),
    "cost_input_usd": ("c.cost_input", MONEY),
    "cost_read_usd": ("c.cost_cache_read", MONEY),
    "cost_write_usd": ("c.cost_cache_write", MONEY),
    # With ``counted``:
    "calls": ("n.calls", COUNT),
    "days": ("n.days", pa.uint16()),
}
CLAIMS: Final = pa.list_(pa.struct([pa.field("1", TEXT), pa.field("2", MONEY)]))  # span id, US dollars


def selected(told: Mapping[str, tuple[str, pa.DataType]]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, (sql, _) in told.items())


def typed(told: Mapping[str, tuple[str, pa.DataType]], **more: pa.DataType) -> Columns:
    return columns(**{name: type_ for name, (_, type_) in told.items()}, **more)


def picked(asked: Asked, also: str = "") -> str:
    """A sub-select of span ids."""
    places = ", ".join(f"p.{name}" for name in _COLUMNS)
    return (
        f"SELECT p.span_id FROM calls AS p WHERE {asked.calls('p.')}{also.replace('c.', 'p.')}"
        f" ORDER BY p.start DESC LIMIT {{limit:UInt32}} BY {places} LIMIT {{most:UInt32}}"
    )


def counted(asked: Asked, also: str = "") -> str:
    """`` INNER JOIN ...`` to ``c``: as ``n``, how many calls a place had, and on how many UTC days."""
    places = ", ".join(f"k.{name} AS {name}" for name in _COLUMNS)
    same = " AND ".join(f"n.{name} = c.{name}" for name in _COLUMNS)
    return (
        f" INNER JOIN (SELECT {places}, count() AS calls, toUInt16(uniqExact(toDate(k.start))) AS days FROM calls AS k"
        f" WHERE {asked.calls('k.')}{also.replace('c.', 'k.')} GROUP BY {', '.join(_COLUMNS)}) AS n ON {same}"
    )
