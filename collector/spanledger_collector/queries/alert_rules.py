from __future__ import annotations

from .query import MICROSECOND, TEXT, Asked, Query, columns

_SQL = "SELECT name, definition, author, updated FROM alert_rules FINAL WHERE NOT removed ORDER BY name"


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Own alert rules given over the API; definition is the rule as JSON. Rules of a file are not among them.",
    (),
    columns(name=TEXT, definition=TEXT, author=TEXT, updated=MICROSECOND),
    _sql,
)
