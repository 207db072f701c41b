"""Where a number leads: the page of calls as the bar is set now, narrowed to the calls behind the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from spanledger_dashboard import filters

if TYPE_CHECKING:
    from datetime import date

_KEPT: Final = ("range", "days", "zone", "compare", *filters.DIMENSIONS)
UNPRICED: Final = ("cost_grade", "unknown")
FAILED: Final = ("outcome", "error")
RETRIED: Final = ("retried", "true")
_LONGEST: Final = 180  # characters of a name: the search takes terms of 200


def calls(*terms: tuple[str, str], days: tuple[date, date] | None = None, **only: str) -> str:
    """An address relative to the pages: of these keys of dimensions and these terms of the search, in the bar's time or
    on whole UTC ``days``, both included. Empty where a name is too long to be asked for.
    """
    state = {name: st.query_params.get_all(name) for name in _KEPT}
    if days:
        state |= {"range": [filters.CUSTOM], "days": [day.isoformat() for day in days], "zone": ["UTC"]}
    state |= {name: [value] for name, value in only.items() if value}
    # A filter names what is there; that a call has no name is a term of the search.
    asked = [*((name, "") for name, value in only.items() if not value), *terms]
    if any(len(value) > _LONGEST for _, value in (*only.items(), *asked)):
        return ""
    search = {"q": " ".join(_term(*pair) for pair in asked)} if asked else {}
    query = urlencode({name: value for name, value in state.items() if value} | search, doseq=True)
    return f"calls?{query}" if query else "calls"


def _term(key: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{escaped}"'
