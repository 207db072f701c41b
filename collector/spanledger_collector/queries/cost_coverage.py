from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, MONEY, SHARE, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT c.cost_grade AS grade, count() AS calls, sum(ifNull(c.input_tokens, 0)) AS input_tokens,"
        " sum(ifNull(c.output_tokens, 0)) AS output_tokens, sum(c.cost) AS cost_usd,"
        " count() / sum(count()) OVER () AS calls_share,"
        " toFloat64(sum(c.cost)) / nullIf(sum(toFloat64(ifNull(sum(c.cost), 0))) OVER (), 0) AS money_share"
        f" FROM calls AS c WHERE {asked.calls('c.')} GROUP BY grade ORDER BY calls DESC, grade"
    )


QUERY = Query(
    "How far a total can be trusted: calls and known money by grade - measured, provider, modelled, unknown - with the "
    "share of each in all calls and in all known money. Unknown cost has no share of the money: nobody knows it.",
    (*WINDOW, *FILTERS),
    columns(
        grade=TEXT,
        calls=COUNT,
        input_tokens=COUNT,
        output_tokens=COUNT,
        cost_usd=MONEY,
        calls_share=SHARE,
        money_share=SHARE,
    ),
    _sql,
)
