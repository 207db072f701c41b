from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, MICROSECOND, MONEY, TEXT, Asked, Query, columns

_KEYS = "day, provider, model, service_tier, team, feature, price, cost_grade"
_SPLIT = "c.cost_input + c.cost_cache_read + c.cost_cache_write + c.cost_output + c.cost_other"
# Part, its tokens, its money. ``unsplit`` is what a provider charged without saying for what: with it the parts of a
# call sum to its cost whatever the grade.
_PARTS = (
    ("input", "c.uncached_input_tokens + c.audio_input_tokens", "c.cost_input"),
    ("cache_read", "c.cache_read_tokens", "c.cost_cache_read"),
    ("cache_write", "c.cache_write_5m_tokens + c.cache_write_1h_tokens", "c.cost_cache_write"),
    ("output", "ifNull(c.output_tokens, 0)", "c.cost_output"),
    ("other", "toUInt64(0)", "c.cost_other"),
    ("unsplit", "toUInt64(0)", f"assumeNotNull(c.cost) - ({_SPLIT})"),
)


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {_KEYS}, p.1 AS part, p.2 AS calls, p.3 AS tokens, p.4 AS cost_usd"
        f" FROM ({_summed(asked)}) ARRAY JOIN parts AS p WHERE p.3 > 0 OR p.4 != 0"
        f" ORDER BY {_KEYS}, part"
    )


def _summed(asked: Asked) -> str:
    parts = ", ".join(
        f"('{name}', countIf({tokens} > 0 OR {money} != 0), sum({tokens}), sum({money}))"
        for name, tokens, money in _PARTS
    )
    return (
        "SELECT toDateTime64(toStartOfDay(c.start), 6, 'UTC') AS day, c.provider AS provider, c.model AS model,"
        " c.service_tier AS service_tier, c.team AS team, c.feature AS feature, c.price AS price,"
        f" c.cost_grade AS cost_grade, [{parts}] AS parts"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND c.cost IS NOT NULL GROUP BY {_KEYS}"
    )


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
