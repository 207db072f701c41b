"""A search of the calls, newest first: what the last hours hold is shown while older days are still being read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import counted, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from spanledger_dashboard.filters import Selection

MOST: Final = 1000
_ROWS: Final = 18
_FIRST: Final = timedelta(hours=6)  # each stretch before is twice as long, so a month is seven of them


def stretches(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between two moments, newest first, without a gap."""
    length = _FIRST
    while end > start:
        since = max(start, end - length)
        yield since, end
        end, length = since, length * 2


def shown(chosen: Selection, words: str) -> list[cache.Row]:
    """Search and draw a table that grows from its newest end; what was found. Raises ApiError where nothing was asked
    that the collector can answer; a stretch that takes it too long ends the search, and is said.
    """
    said, table = st.empty(), st.empty()
    rows: list[cache.Row] = []
    period = chosen.period
    for since, until in stretches(period.start, period.end):
        try:
            found = cache.rows("latest_calls", chosen.between(since, until, limit=str(MOST - len(rows)), q=words))
        except ApiError as error:
            if error.trouble == "rejected" or until == period.end:
                raise
            said.caption(f"{_back(len(rows), until, chosen)} Older days took too long: {_REMEDY}")
            return rows
        rows += found
        if found or since == period.start:
            with table:
                tables.latest_calls(rows, period.zone, most_rows=_ROWS)
        if len(rows) >= MOST:
            said.caption(f"The newest {MOST:,} that match; there may be older ones: {_REMEDY}")
            return rows
        said.caption(f"{_back(len(rows), since, chosen)} Older days are being read ...")
    said.caption(f"{counted(len(rows), 'call')} found, all that match in this time.")
    return rows


_REMEDY: Final = "add a term, or choose a shorter time."


def _back(count: int, since: datetime, chosen: Selection) -> str:
    zone = chosen.period.zone
    return f"{counted(count, 'call')} found back to {moment(since, zone, chosen.period.now)} {zone}."
