"""Are calls answered, how fast, and what do retries take?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, panels, reliability, states, waiting


def page() -> None:
    """The sentence, five figures, failures over time, then errors, retries, limits and the places compared."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    totals = cache.rows("totals", chosen.params())[0]
    failures = cache.rows("failures", chosen.params())
    attempts = cache.rows("attempts", chosen.params())
    cards.opening(reliability.sentence(totals, failures, attempts, chosen.period.said), demo=cache.pulse().demo)
    if not totals["calls"]:
        states.nothing_matches()
        return
    earlier = chosen.earlier
    then = cache.rows("totals", earlier.params())[0] if earlier else None
    now, before = waiting.waited(chosen), waiting.waited(earlier) if earlier else None
    against = earlier.period.said if earlier else ""
    reliability.figures(totals, then if then and then["calls"] else None, failures, now, before, against)
    reliability.over_time(chosen)
    left, right = st.columns(2)
    with left:
        panels.failures(chosen)
    with right:
        reliability.retries(attempts)
    reliability.places(chosen, "provider")
    reliability.places(chosen, "model")
    reliability.headroom(chosen)
