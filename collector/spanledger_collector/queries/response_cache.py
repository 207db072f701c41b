from __future__ import annotations

from typing import Final

from .parameter import WINDOW
from .places import BOUNDED
from .query import COUNT, MONEY, TEXT, Asked, Query, between, columns

_USD: Final = "'Nullable(Decimal(38, 18))'"


def _sql(_: Asked) -> str:
    # Nobody was paid for a hit, so it has no cost: it is modelled by what the model's answered calls cost by the token.
    return (
        "SELECT h.service AS service, h.feature AS feature, h.provider AS provider, h.model AS model, h.hits AS hits,"
        " h.counted AS counted_hits, h.input AS saved_input_tokens, h.output AS saved_output_tokens,"
        f" CAST(if(h.counted = 0, NULL, h.input * p.input + h.output * p.output), {_USD}) AS saved_usd"
        f" FROM ({_hits()}) AS h LEFT JOIN ({_rates()}) AS p ON p.model = h.model"
        f" ORDER BY saved_usd DESC NULLS LAST, hits DESC, service, model{BOUNDED}"
    )


def _hits() -> str:
    return (
        "SELECT m.service AS service, m.feature AS feature, m.provider AS provider, m.model AS model, count() AS hits,"
        " countIf(m.saved_input_tokens + m.saved_output_tokens > 0) AS counted,"
        " sum(m.saved_input_tokens) AS input, sum(m.saved_output_tokens) AS output"
        f" FROM call_notes AS m WHERE {between('from', 'to', 'm.')} AND m.cache_hit GROUP BY 1, 2, 3, 4"
    )


def _rates() -> str:
    """US dollars per token, by the name that was asked for and by the one that answered."""
    per = "toDecimal128(sum(toFloat64(c.{money})) / nullIf(sum({tokens}), 0), 18)"
    return (
        "SELECT arrayJoin(arrayDistinct([c.model, c.request_model])) AS model,"
        f" {per.format(money='cost_input', tokens='c.uncached_input_tokens')} AS input,"
        f" {per.format(money='cost_output', tokens='ifNull(c.output_tokens, 0)')} AS output"
        f" FROM calls AS c WHERE {between('from', 'to', 'c.')} AND c.cost IS NOT NULL"
        f" AND (c.model IN ({_models()}) OR c.request_model IN ({_models()})) GROUP BY model"
    )


def _models() -> str:
    """Those of the hits: without one, what calls cost is not read."""
    return f"SELECT m.model FROM call_notes AS m WHERE {between('from', 'to', 'm.')} AND m.cache_hit"


QUERY = Query(
    "Replies that a response cache of the application's framework gave: nobody was paid. saved_usd is modelled: the "
    "tokens that were spared, known for counted_hits of them, at what the model's other calls cost by the token; null "
    "where no tokens or no cost are known. What a cache would save where there is none is in `duplicates`.",
    WINDOW,
    columns(
        service=TEXT,
        feature=TEXT,
        provider=TEXT,
        model=TEXT,
        hits=COUNT,
        counted_hits=COUNT,
        saved_input_tokens=COUNT,
        saved_output_tokens=COUNT,
        saved_usd=MONEY,
    ),
    _sql,
)
