from __future__ import annotations

from .query import MICROSECOND, TEXT, Asked, Query, columns

_SQL = (
    "SELECT k.fingerprint AS fingerprint, k.since AS since, k.author AS author, k.note AS note, k.updated AS updated"
    " FROM acknowledgements AS k FINAL WHERE (k.fingerprint, k.since) IN"
    " (SELECT fingerprint, since FROM alerts FINAL WHERE state IN ('pending', 'firing'))"
    " ORDER BY updated DESC, fingerprint"
)


def _sql(_: Asked) -> str:
    return _SQL


QUERY = Query(
    "Who has acknowledged an alert that is on, and what they noted.",
    (),
    columns(fingerprint=TEXT, since=MICROSECOND, author=TEXT, note=TEXT, updated=MICROSECOND),
    _sql,
)
