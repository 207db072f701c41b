"""What pricing a day again moved, by part of the bill: an export tells a correction from the charge it corrects."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.ledger.stored import StoredCall
    from spanledger_collector.model import Call, Cost, Usage

TABLE: Final = "restated_parts"
_OF_CALL: Final = ("service", "environment", "provider", "model", "service_tier", "team", "feature")
_KEYS: Final = (*_OF_CALL, "part", "price_before", "price_after", "grade_before", "grade_after")
_SPLIT: Final = ("input", "cache_read", "cache_write", "output", "other")
_MONEY: Final = pa.decimal128(38, 18)


class Parts:
    """Summed while a day is read: calls, tokens, US dollars before and after, by _KEYS."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], tuple[int, int, Decimal, Decimal]] = {}

    def add(self, at: StoredCall, new: Cost) -> None:
        old, tokens = _split(at.cost), dict(_tokens(at.call.usage))
        names = at.cost.price, new.price, at.cost.grade, new.grade
        for part, after in _split(new).items():
            before, count = old[part], tokens.get(part, 0)
            if before or after or count:
                self._add((*_placed(at.call), part, *names), count, before, after)

    def _add(self, key: tuple[str, ...], count: int, before: Decimal, after: Decimal) -> None:
        calls, tokens, was, now = self._sums.get(key, (0, 0, Decimal(0), Decimal(0)))
        self._sums[key] = calls + 1, tokens + count, was + before, now + after

    def table(self, restatement: str) -> pa.Table:
        """Rows of ``restated_parts`` for the restatement of that id."""
        rows = len(self._sums)
        calls, tokens, before, after = zip(*self._sums.values(), strict=True)
        columns: dict[str, Any] = {
            "id": [restatement] * rows,
            "updated": [datetime.now(timezone.utc)] * rows,
            **dict(zip(_KEYS, map(list, zip(*self._sums, strict=True)), strict=True)),
            "calls": pa.array(calls, pa.uint64()),
            "tokens": pa.array(tokens, pa.uint64()),
            "cost_before": pa.array(before, _MONEY),
            "cost_after": pa.array(after, _MONEY),
        }
        return pa.table(columns)


def _placed(call: Call) -> tuple[str, ...]:
    return tuple(getattr(call, name) for name in _OF_CALL)


def _split(cost: Cost) -> dict[str, Decimal]:
    """All zero where the cost is not known: then there is no charge."""
    if cost.total is None:
        return dict.fromkeys((*_SPLIT, "unsplit"), Decimal(0))
    parts = {name: getattr(cost, name) for name in _SPLIT}
    return parts | {"unsplit": cost.total - sum(parts.values(), Decimal(0))}


def _tokens(usage: Usage | None) -> Iterator[tuple[str, int]]:
    """As the query ``cost_parts`` counts them."""
    if usage is not None:
        yield "input", usage.uncached_input + usage.audio_input
        yield "cache_read", usage.cache_read
        yield "cache_write", usage.cache_write_5m + usage.cache_write_1h
        yield "output", usage.output_tokens
