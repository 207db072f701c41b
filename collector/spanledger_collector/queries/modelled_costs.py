from __future__ import annotations

from .parameter import FILTERS, WINDOW
from .query import COUNT, MONEY, TEXT, Asked, Query, columns


def _sql(asked: Asked) -> str:
    return (
        "SELECT provider, model, usage_grade, count() AS calls, sum(assumeNotNull(c.cost)) AS cost_usd,"
        " countIf(c.cost_low IS NULL) AS calls_without_band,"
        " if(countIf(c.cost_low IS NOT NULL) = 0, NULL, sum(ifNull(c.cost_low, c.cost))) AS cost_low_usd,"
        " if(countIf(c.cost_low IS NOT NULL) = 0, NULL, sum(ifNull(c.cost_high, c.cost))) AS cost_high_usd"
        f" FROM calls AS c WHERE {asked.calls('c.')} AND c.cost_grade = 'modelled' AND c.cost IS NOT NULL"
        " GROUP BY provider, model, usage_grade ORDER BY cost_usd DESC, provider, model, usage_grade"
    )


QUERY = Query(
    "Costs that rest on an estimate of the tokens, apart from all others, with the sum of their bands: an outer bound, "
    "since not every call errs to the same side. usage_grade 'partial' is a stream cut short, priced up to the cut.",
    (*WINDOW, *FILTERS),
    columns(
        provider=TEXT,
        model=TEXT,
        usage_grade=TEXT,
        calls=COUNT,
        cost_usd=MONEY,
        calls_without_band=COUNT,
        cost_low_usd=MONEY,
        cost_high_usd=MONEY,
    ),
    _sql,
)
