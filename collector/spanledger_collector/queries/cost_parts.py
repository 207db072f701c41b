from __future__ import annotations

from typing import TYPE_CHECKING

from .ledger import whole_and_edges
from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS = "day, provider, model, service_tier, team, feature, price, cost_grade"
_OF_CALL = ("provider", "model", "service_tier", "team", "feature", "price", "cost_grade")
# Part, its tokens and its money, of the rollup and of a call.
_PARTS = (
    ("input", "input_tokens", "cost_input", "c.uncached_input_tokens + c.audio_input_tokens", "c.cost_input"),
    ("cache_read", "cache_read_tokens", "cost_cache_read", "c.cache_read_tokens", "c.cost_cache_read"),
    (
        "cache_write",
        "cache_write_tokens",
        "cost_cache_write",
        "c.cache_write_5m_tokens + c.cache_write_1h_tokens",
        "c.cost_cache_write",
    ),
    ("output", "output_tokens", "cost_output", "ifNull(c.output_tokens, 0)", "c.cost_output"),
    ("other", "", "cost_other", "", "c.cost_other"),
)
_SPLIT = "c.cost_input + c.cost_cache_read + c.cost_cache_write + c.cost_output + c.cost_other"


def _sql(asked: Asked) -> str:
    parts = ", ".join(
        f"('{part}', sum(l.{part}_calls), sum({f'l.{tokens}' if tokens else 'toUInt64(0)'}), sum(l.{money}))"
        for part, tokens, money, _, _ in _PARTS
    )
    # ``unsplit`` is what a provider charged without saying for what: with it the parts of a call sum to its cost.
    split = " + ".join(f"sum(l.{money})" for _, _, money, _, _ in _PARTS)
    unsplit = f"('unsplit', sum(l.unsplit_calls), toUInt64(0), sum(l.cost) - ({split}))"
    keys = ", ".join(f"l.{name} AS {name}" for name in _OF_CALL)
    return (
        f"SELECT {_KEYS}, p.1 AS part, p.2 AS calls, p.3 AS tokens, p.4 AS cost_usd FROM ("
        f"SELECT toDateTime64(toStartOfDay(l.hour), 6, 'UTC') AS day, {keys}, [{parts}, {unsplit}] AS parts"
        f" FROM ({' UNION ALL '.join(_told(asked))}) AS l GROUP BY {_KEYS})"
        f" ARRAY JOIN parts AS p WHERE p.3 > 0 OR p.4 != 0 ORDER BY {_KEYS}, part"
    )


def _told(asked: Asked) -> Iterator[str]:
    """Whole hours from the rollup, what is left at the two edges from the calls."""
    names = [name for part, tokens, money, _, _ in _PARTS for name in (f"{part}_calls", tokens, money) if name]
    return whole_and_edges(
        asked,
        f"SELECT hour, {', '.join((*_OF_CALL, *names, 'unsplit_calls', 'cost'))} FROM call_parts_hourly",
        f"SELECT toStartOfHour(c.start) AS hour, {', '.join(_of_call())} FROM calls AS c",
        " AND c.cost IS NOT NULL",
    )


def _of_call() -> Iterator[str]:
    yield from (f"c.{name} AS {name}" for name in _OF_CALL)
    for part, tokens, money, counted, paid in _PARTS:
        yield f"toUInt64({f'{counted} > 0 OR ' if counted else ''}{paid} != 0) AS {part}_calls"
        if tokens:
            yield f"{counted} AS {tokens}"
        yield f"{paid} AS {money}"
    yield f"toUInt64(c.cost != {_SPLIT}) AS unsplit_calls"
    yield "assumeNotNull(c.cost) AS cost"


QUERY = Query(
    "Tokens and cost by UTC day, provider, model, tier, team, feature, price line, grade and part of the bill. Calls "
    "without a known cost are left out; the rows sum exactly to the known cost. calls counts those with this part.",
    (*WINDOW, *FILTERS),
    columns(
        day=MICROSECOND,
        provider=TEXT,
        model=TEXT,
        service_tier=TEXT,
        team=TEXT,
        feature=TEXT,
        price=TEXT,
        cost_grade=TEXT,
        part=TEXT,
        calls=COUNT,
        tokens=COUNT,
        cost_usd=MONEY,
    ),
    _sql,
)
