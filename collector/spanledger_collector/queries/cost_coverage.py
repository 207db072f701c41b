from __future__ import annotations

from .ledger import ledger
from .parameter import FILTERS, WINDOW
from .query import COUNT, MONEY, SHARE, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT l.cost_grade AS grade, sum(l.calls) AS calls, sum(l.input_tokens) AS input_tokens,"
        " sum(l.output_tokens) AS output_tokens,"
        " if(sum(l.priced_calls) = 0, NULL, sum(l.cost)) AS cost_usd,"
        " sum(l.calls) / sum(sum(l.calls)) OVER () AS calls_share,"
        " toFloat64(cost_usd) / nullIf(sum(toFloat64(sum(l.cost))) OVER (), 0) AS money_share"
        f" FROM {ledger(asked)} GROUP BY grade HAVING calls > 0 ORDER BY calls DESC, grade"
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
