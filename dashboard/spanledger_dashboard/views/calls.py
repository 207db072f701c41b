"""Which calls are behind a number?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, states, tables
from spanledger_dashboard.format import counted, money

_MOST = 1000


def page() -> None:
    """The newest calls that match the filters, each with its cost, its basis and its trace."""
    if not cache.rows("services"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    totals = cache.rows("totals", chosen.params())[0]
    rows = cache.rows("latest_calls", chosen.params(limit=str(_MOST)))
    said = f"{counted(totals['calls'], 'call')} for {money(totals['cost_usd'])} {chosen.period.said}"
    unpriced = totals["unpriced_calls"]
    cards.opening(
        said + (f", {counted(unpriced, 'call')} of unknown price." if unpriced else "."), demo=cache.pulse().demo
    )
    if not rows:
        states.nothing_matches()
        return
    shown = st.text_input(
        "Search in what is shown",
        placeholder="service, model, error, call site, trace id",
        key="find",
        bind="query-params",
    )
    kept = [row for row in rows if _matches(row, shown)]
    why = (
        f"{len(kept):,} of the newest {len(rows):,}. ≈ is modelled from other calls; unknown has no price or no usage."
    )
    with cards.card("Calls, newest first", why) as controls:
        tables.latest_calls(kept, chosen.period.zone, most_rows=18)
        tables.download(kept, "calls", controls)


def _matches(row: cache.Row, words: str) -> bool:
    told = " ".join(str(value) for value in row.values()).lower()
    return all(word in told for word in words.lower().split())
