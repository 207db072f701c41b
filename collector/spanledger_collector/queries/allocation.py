from __future__ import annotations

from typing import Final

from .parameter import FILTERS, WINDOW, choice
from .query import COUNT, MONEY, SHARE, TEXT, Asked, Query, columns

_BY: Final = {
    "team": "c.team",
    "feature": "c.feature",
    "customer": "c.tags['customer']",
    "user": "c.user",
    "prompt": "c.prompt_name",
    "prompt_version": "if(c.prompt_version = '', '', concat(c.prompt_name, ' ', c.prompt_version))",
    "service": "c.service",
    "environment": "c.environment",
}


def _sql(asked: Asked) -> str:
    return (
        f"SELECT {_BY[asked['per']]} AS name, count() AS calls, countIf(c.cost IS NULL) AS unpriced_calls,"
        " sum(c.cost) AS cost_usd, sumIf(c.cost, c.cost_grade = 'modelled') AS modelled_usd,"
        " toFloat64(sum(c.cost)) / nullIf(sum(toFloat64(sum(c.cost))) OVER (), 0) AS share"
        f" FROM calls AS c WHERE {asked.calls('c.')} GROUP BY name ORDER BY cost_usd DESC NULLS LAST, name"
    )


QUERY = Query(
    "Known cost by who it is for; the row with the empty name is what nobody could be named for. Shared cost is not "
    "split here.",
    (*WINDOW, *FILTERS, choice("per", "Whose cost.", tuple(_BY), default="team")),
    columns(name=TEXT, calls=COUNT, unpriced_calls=COUNT, cost_usd=MONEY, modelled_usd=MONEY, share=SHARE),
    _sql,
)
