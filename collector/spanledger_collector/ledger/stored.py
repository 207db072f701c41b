"""Calls of the ledger as the price book sees them, read back page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import pyarrow as pa

from spanledger_collector.model import Call, Cost, Usage
from spanledger_collector.store import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from spanledger_collector.model import CostGrade, UsageGrade

_STEP: Final = Decimal(1).scaleb(-18)  # the last digit that the ledger keeps
_PARTS: Final = ("input", "cache_read", "cache_write", "output", "other")
PAGE: Final = timedelta(hours=1)
SHORTEST: Final = timedelta(seconds=1)


class RunQuery(Protocol):
    """A named query of the ledger: ``queries.run`` with its store."""

    def __call__(self, name: str, params: Mapping[str, Sequence[str]]) -> pa.Table: ...


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it can be priced again, and the cost that stands in the ledger."""

    call: Call
    cost: Cost


def calls(run_query: RunQuery, since: datetime, until: datetime) -> Iterator[StoredCall]:
    """The calls that started from ``since`` on and before ``until``, an hour at a time, or less of a busy one."""
    page = PAGE
    while since < until:
        following = min(since + page, until)
        try:
            found = list(select(run_query, {"from": [rfc3339(since)], "to": [rfc3339(following)]}))
        except QueryRefused:
            if page < SHORTEST:
                raise
            page /= 2
            continue
        yield from found
        since = following


def select(run_query: RunQuery, params: Mapping[str, Sequence[str]]) -> Iterator[StoredCall]:
    """Calls by the parameters of the query ``priced_calls``."""
    table = run_query("priced_calls", params)
    place = table.schema.get_field_index("start")
    table = table.set_column(place, "start", table.column(place).cast(pa.int64()))  # pandas is not needed for an int
    return map(_stored, table.to_pylist())


def rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"


def kept(cost: Cost) -> Cost:
    """The cost as the ledger's columns keep it."""
    total = None if cost.total is None else _kept(cost.total)
    low = None if cost.low is None else _kept(cost.low)
    high = None if cost.high is None else _kept(cost.high)
    parts: dict[str, Any] = {part: _kept(getattr(cost, part)) for part in _PARTS}
    return replace(cost, total=total, low=low, high=high, **parts)


def _kept(amount: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 76
        return amount.quantize(_STEP, ROUND_HALF_EVEN)


def _stored(row: dict[str, Any]) -> StoredCall:
    parts: dict[str, Any] = {part: row[f"cost_{part}"] for part in _PARTS}
    cost = Cost(
        row["cost"],
        **parts,
        grade=cast("CostGrade", row["cost_grade"]),
        price=row["price"],
        reason=row["cost_reason"],
        low=row["cost_low"],
        high=row["cost_high"],
    )
    return StoredCall(_call(row), cost)


def _call(row: dict[str, Any]) -> Call:
    placed = ("service", "environment", "team", "feature", "provider", "server_address", "service_tier", "region")
    read = (*placed, "request_model", "model", "outcome", "usage_note")
    return Call(
        trace_id=bytes.fromhex(row["trace_id"]),
        span_id=bytes.fromhex(row["span_id"]),
        parent_span_id=b"",
        start_ns=row["start"],
        duration_ns=0,
        dialect="",
        service_version="",
        operation="",
        response_id="",
        stream=False,
        error_type="",
        http_status=0,
        finish_reason="",
        attempts=1,
        first_chunk_ns=None,
        usage=_usage(row),
        **{name: row[name] for name in read},
    )


def _usage(row: dict[str, Any]) -> Usage:
    return Usage(
        uncached_input=row["uncached_input_tokens"],
        cache_read=row["cache_read_tokens"],
        cache_write_5m=row["cache_write_5m_tokens"],
        cache_write_1h=row["cache_write_1h_tokens"],
        audio_input=row["audio_input_tokens"],
        output=text_output(row),
        audio_output=row["audio_output_tokens"],
        reasoning=row["reasoning_tokens"],
        grade=cast("UsageGrade", row["usage_grade"]),
        other=tuple(row["other_usage"] or ()),
    )


def text_output(row: dict[str, Any]) -> int:
    """The inclusive count without what it includes of other kinds."""
    other = Usage(other=tuple(row["other_usage"] or ()))
    return max(0, int(row["output_tokens"]) - int(row["audio_output_tokens"]) - other.output_tokens)
