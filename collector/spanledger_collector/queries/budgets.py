from __future__ import annotations

from .query import MICROSECOND, MONEY, TEXT, Asked, Query, columns

_SQL = (
    "SELECT team, feature, model, formatDateTime(from_month, '%Y-%m') AS from_month, usd, note, updated"
    " FROM budgets FINAL ORDER BY team, feature, model, from_month"
)


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Monthly budgets in US dollars by scope and the month from which each holds; an empty team, feature or model means "
    "all of them. usd is null where the scope has no budget from that month on.",
    (),
    columns(team=TEXT, feature=TEXT, model=TEXT, from_month=TEXT, usd=MONEY, note=TEXT, updated=MICROSECOND),
    _sql,
)
