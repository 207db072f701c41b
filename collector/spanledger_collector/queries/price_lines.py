from __future__ import annotations

from .query import MICROSECOND, TEXT, Asked, Query, columns


def _sql(_: Asked) -> str:
    return (
        "SELECT p.id AS id, toDateTime64(p.updated, 6, 'UTC') AS updated, p.line AS line"
        " FROM price_overrides AS p FINAL WHERE NOT p.removed ORDER BY id"
    )


QUERY = Query(
    "Price lines that were given over the API, each a JSON object in the words of a price file.",
    (),
    columns(id=TEXT, updated=MICROSECOND, line=TEXT),
    _sql,
)
