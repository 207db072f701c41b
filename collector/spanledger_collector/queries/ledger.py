"""Summed calls over any window, exact: whole hours from the rollup, what is left at the two edges from the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .parameter import DIMENSIONS
from .query import Asked, between

if TYPE_CHECKING:
    from collections.abc import Iterator

# Rollup column: the same of a single call. The prefix keeps ClickHouse from reading an alias for the column.
_SUMS: Final = {
    "calls": "toUInt64(1)",
    "priced_calls": "toUInt64(c.cost IS NOT NULL)",
    "attempts": "toUInt64(c.attempts)",
    "without_usage": "toUInt64(c.input_tokens IS NULL)",
    "input_tokens": "ifNull(c.input_tokens, 0)",
    "cache_read_tokens": "c.cache_read_tokens",
    "cache_write_tokens": "c.cache_write_5m_tokens + c.cache_write_1h_tokens",
    "output_tokens": "ifNull(c.output_tokens, 0)",
    "reasoning_tokens": "c.reasoning_tokens",
    "cost": "ifNull(c.cost, toDecimal128(0, 18))",
    **{f"cost_{part}": f"c.cost_{part}" for part in ("input", "cache_read", "cache_write", "output", "other")},
}
_KEYS: Final = (*DIMENSIONS, "outcome", "cost_grade")

# Of rows aliased ``l``. No calls cost nothing; calls of which no cost is known cost nobody knows what.
COST: Final = "if(sum(l.calls) > 0 AND sum(l.priced_calls) = 0, NULL, sum(l.cost)) AS cost_usd"
COVERAGE: Final = "if(sum(l.calls) = 0, NULL, sum(l.priced_calls) / sum(l.calls)) AS coverage"
COUNTS: Final = (
    "sum(l.calls) AS calls, sumIf(l.calls, l.outcome = 'error') AS failures, "
    "sum(l.calls) - sum(l.priced_calls) AS unpriced_calls, "
    "sum(l.input_tokens) AS input_tokens, sum(l.output_tokens) AS output_tokens"
)


def ledger(asked: Asked) -> str:
    """A sub-select aliased ``l``: hour, the dimensions, outcome, and the sums; many rows per hour."""
    return f"({' UNION ALL '.join(_parts(asked))}) AS l"


def _parts(asked: Asked) -> Iterator[str]:
    keys = ", ".join(f"c.{key} AS {key}" for key in _KEYS)
    sums = ", ".join(f"{value} AS {name}" for name, value in _SUMS.items())
    return whole_and_edges(
        asked,
        f"SELECT hour, {', '.join((*_KEYS, *_SUMS))} FROM calls_hourly",
        f"SELECT toStartOfHour(c.start) AS hour, {keys}, {sums} FROM calls AS c",
    )


def whole_and_edges(asked: Asked, rollup: str, calls: str, also: str = "") -> Iterator[str]:
    """Selects of a rollup's whole hours and of the calls ``c`` in the broken ones, as far as the window has such; of
    the calls alone where users are asked for, whom no rollup knows.
    """
    if asked.values.get("user"):
        yield f"{calls} WHERE {asked.calls('c.')}{also}"
        return
    first, last = asked.whole_hours
    if first < last:
        yield (
            f"{rollup} WHERE hour >= toDateTime({{first_hour:UInt32}}, 'UTC')"
            f" AND hour < toDateTime({{last_hour:UInt32}}, 'UTC'){asked.filters()}"
        )
    if first >= last or asked["from"] < first or last < asked["to"]:
        edges = f"({between('from', 'head', 'c.')}) OR ({between('tail', 'to', 'c.')})"
        yield f"{calls} WHERE ({edges}){asked.filters('c.')}{also}"
