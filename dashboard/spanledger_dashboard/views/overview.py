"""What did we spend, why did it move, and what failed?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, charts, filters, headline, panels, states, urgent


def page() -> None:
    """Filters, the sentence, five figures, what is urgent, then spend, failures, latency and the latest calls."""
    begun = cache.names("beginning")
    if not begun:
        states.empty(cache.pulse().status)
        return

    chosen = filters.bar()
    now = panels.spend_of(chosen)
    before = panels.spend_of(chosen.earlier) if chosen.earlier else None
    comparison = headline.compare(now, before, ledger_begins=begun[0]["first_seen"])

    cards.opening(headline.sentence(now, comparison), demo=cache.pulse().demo)
    panels.restated(chosen)
    if not now.totals["calls"]:
        states.nothing_matches()
        return

    panels.figures(chosen, now, before, comparison)
    urgent.now(chosen)
    panels.spend(chosen)
    left, right = st.columns(2)
    with left:
        panels.failures(chosen)
    with right:
        panels.latency(chosen, charts.series(now.by_key, cache.palette("model")))
    panels.latest_calls(chosen)
