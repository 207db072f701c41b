"""What did it cost, how far does that hold, what was wasted, and do the budgets?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, headline, outlay, panels, states


def page() -> None:
    """The sentence, unit costs, then coverage, waste, budgets, and how to get the pack."""
    services = cache.rows("services")
    if not services:
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    now = panels.spend_of(chosen)
    before = panels.spend_of(chosen.earlier) if chosen.earlier else None
    comparison = headline.compare(now, before, ledger_begins=min(row["first_seen"] for row in services))
    waste = cache.rows("waste", chosen.params())
    cards.opening(headline.sentence(now, comparison) + outlay.wasted(waste), demo=cache.pulse().demo)
    if not now.totals["calls"]:
        states.nothing_matches()
        return
    outlay.unit_costs(chosen, now.totals, before.totals if before and comparison.money else None)
    left, right = st.columns(2)
    with left:
        outlay.coverage(chosen)
    with right:
        outlay.waste(waste)
    outlay.budgets(chosen)
    outlay.pack()
