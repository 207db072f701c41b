"""The ``calls`` table, one row per billed call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from spanledger_collector.model import Call, Usage

from . import attributes, columns
from .columns import COUNT_MAP, MONEY, TEXT_MAP, TIME, Column, field, read

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE: Final = Usage(grade="absent")
_UINT64: Final = pa.uint64()
_NO_SPAN: Final = bytes(8)


def _tokens(name: str, part: str) -> Column[Call]:
    """0 where the span carried no usage: the inclusive counts say that it did not."""
    return Column(name, _UINT64, lambda calls: (getattr(call.usage or _NONE, part) for call in calls))


def _inclusive(name: str) -> Column[Call]:
    """NULL where the span carried no usage."""
    return Column(
        name,
        _UINT64,
        lambda calls: (
            getattr(call.usage, name) if call.usage and call.usage.grade != "absent" else None for call in calls
        ),
    )


_COLUMNS: Final[tuple[Column[Call], ...]] = (
    field("start", TIME, "start_ns"),
    field("duration_ns", _UINT64),
    field("first_chunk_ns", _UINT64),
    field("trace_id", pa.binary(16)),
    field("span_id", pa.binary(8)),
    read("parent_span_id", pa.binary(8), lambda call: call.parent_span_id or _NO_SPAN),
    *map(
        field,
        ("dialect", "emitter", "service", "service_version", "environment", "provider", "server_address", "operation"),
    ),
    *map(field, ("request_model", "model", "response_id")),
    field("stream", pa.bool_()),
    *map(field, ("outcome", "error_type")),
    field("http_status", pa.uint16()),
    *map(field, ("finish_reason", "service_tier", "region")),
    field("attempts", pa.uint16()),
    read("usage_grade", pa.string(), lambda call: (call.usage or _NONE).grade),
    _inclusive("input_tokens"),
    _tokens("uncached_input_tokens", "uncached_input"),
    _tokens("cache_read_tokens", "cache_read"),
    _tokens("cache_write_5m_tokens", "cache_write_5m"),
    _tokens("cache_write_1h_tokens", "cache_write_1h"),
    _tokens("audio_input_tokens", "audio_input"),
    _inclusive("output_tokens"),
    _tokens("audio_output_tokens", "audio_output"),
    _tokens("reasoning_tokens", "reasoning"),
    read("other_usage", COUNT_MAP, lambda call: (call.usage or _NONE).other),
    *(field(name, _UINT64) for name in ("input_chars", "output_chars")),
    field("cost", MONEY, "cost.total"),
    *(field(f"cost_{end}", MONEY, f"cost.{end}") for end in ("low", "high")),
    *(
        field(f"cost_{part}", MONEY, f"cost.{part}")
        for part in ("input", "cache_read", "cache_write", "output", "other")
    ),
    field("cost_grade", path="cost.grade"),
    field("cost_reason", path="cost.reason"),
    field("price", path="cost.price"),
    field("usage_note"),
    field("demo", pa.bool_()),
    *map(field, ("conversation", "prompt_name", "prompt_version", "feature", "team", "user")),
    Column("tags", TEXT_MAP, lambda calls: attributes.maps(call.tags for call in calls)),
    field("code_file"),
    field("code_line", pa.uint32()),
    field("code_function"),
)


def table(calls: Sequence[Call]) -> pa.Table:
    return columns.table(_COLUMNS, calls)
