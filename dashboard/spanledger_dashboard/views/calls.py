"""Which calls are behind a number?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, cards, filters, looking, panels, states, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import counted, money

if TYPE_CHECKING:
    from spanledger_dashboard.filters import Selection

_HELP: Final = (
    "Words are looked for in every column of a call. `key=value` is exact, for a column (`model=gpt-4.1`, "
    "`customer=acme`, `call_site=app.py:7`, `retried=true`) or any attribute of the span (`host.name=web-3`). "
    "All must hold. "
    'Quote what has spaces: `"rate limit"`, `prompt_name="first draft"`; `feature=""` is a call without one.'
)


def page() -> None:
    """The newest calls that match the filters and the search, each with its cost, its basis and its trace."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    totals = cache.rows("totals", chosen.params())[0]
    said = f"{counted(totals['calls'], 'call')} for {money(totals['cost_usd'])} {chosen.period.said}"
    unpriced = totals["unpriced_calls"]
    cards.opening(
        said + (f", {counted(unpriced, 'call')} of unknown price." if unpriced else "."), demo=cache.pulse().demo
    )
    panels.restated(chosen)
    if not totals["calls"]:
        states.nothing_matches()
        return
    words = st.text_input(
        "Search the calls",
        placeholder="words, or key=value: model, error_type, customer, trace_id, any attribute of the span",
        help=_HELP,
        key="q",
        bind="query-params",
    ).strip()
    why = "≈ is modelled from other calls; unknown has no price or no usage, or nobody waited."
    with cards.card("Calls, newest first", why) as controls:
        rows = _searched(chosen, words) if words else _newest(chosen)
        tables.download(rows, "calls", controls)


def _newest(chosen: Selection) -> list[cache.Row]:
    rows = cache.rows("latest_calls", chosen.params(limit=str(looking.MOST)))
    st.caption(f"The newest {counted(len(rows), 'call')}.")
    tables.latest_calls(rows, chosen.period.zone, most_rows=18)
    return rows


def _searched(chosen: Selection, words: str) -> list[cache.Row]:
    """Nothing where the collector does not accept the search; the page says why and stays."""
    try:
        return looking.shown(chosen, words)
    except ApiError as error:
        if error.trouble != "rejected":
            raise
        st.error("The collector cannot search for this.", icon=":material/search_off:")
        st.text(str(error))
        return []
