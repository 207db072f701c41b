"""The newest calls of each place in the caller's software: wide rows are read of those alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .parameter import count

if TYPE_CHECKING:
    from .query import Asked

_COLUMNS: Final = ("service", "feature", "provider", "model", "code_file", "code_line")
PER_PLACE: Final = count("limit", "Calls per place.", default=500, most=20_000)
IN_ALL: Final = count("most", "Calls of all places together; the newest.", default=10_000, most=150_000)
SITE: Final = "if(c.code_file = '', '', concat(c.code_file, ':', toString(c.code_line))) AS call_site"


def picked(asked: Asked, also: str = "") -> str:
    """A sub-select of span ids."""
    places = ", ".join(f"p.{name}" for name in _COLUMNS)
    return (
        f"SELECT p.span_id FROM calls AS p WHERE {asked.calls('p.')}{also.replace('c.', 'p.')}"
        f" ORDER BY p.start DESC LIMIT {{limit:UInt32}} BY {places} LIMIT {{most:UInt32}}"
    )


def counted(asked: Asked, also: str = "") -> str:
    """`` INNER JOIN ...`` to ``c``: as ``n``, how many calls a place had, and on how many UTC days."""
    places = ", ".join(f"k.{name} AS {name}" for name in _COLUMNS)
    same = " AND ".join(f"n.{name} = c.{name}" for name in _COLUMNS)
    return (
        f" INNER JOIN (SELECT {places}, count() AS calls, toUInt16(uniqExact(toDate(k.start))) AS days FROM calls AS k"
        f" WHERE {asked.calls('k.')}{also.replace('c.', 'k.')} GROUP BY {', '.join(_COLUMNS)}) AS n ON {same}"
    )
