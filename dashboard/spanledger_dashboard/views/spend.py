"""Where does the money go, by any two dimensions, and what moved?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, charts, explorer, filters, headline, panels, states


def page() -> None:
    """The sentence, the choice of dimensions, stacked bars, the movers, and every part."""
    begun = cache.names("beginning")
    if not begun:
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    now = panels.spend_of(chosen)
    before = panels.spend_of(chosen.earlier) if chosen.earlier else None
    comparison = headline.compare(now, before, ledger_begins=begun[0]["first_seen"])
    opening, by = st.container(), _dimensions()
    rows = explorer.asked(chosen, by)
    with opening:
        cards.opening(headline.sentence(now, comparison) + explorer.leading(rows, by), demo=cache.pulse().demo)
    panels.restated(chosen)
    if not rows:
        states.nothing_matches()
        return
    shown = charts.series(explorer.series_of(rows, by[1]), cache.palette(by[1]))
    with cards.card(f"Spend by {by[0]} and {by[1]}", "Known cost in this time, the twelve largest."):
        cards.chart(explorer.chart(rows, by, shown), f"Spend by {by[0]}, stacked by {by[1]}")
    against = chosen.earlier.period.said if chosen.earlier and comparison.money else ""
    then = explorer.asked(chosen.earlier, by) if chosen.earlier and against else []
    moved = explorer.moved(rows, then, by)
    if against:
        explorer.movers(moved, by, against)
    explorer.table([row for row in moved if row["calls"]], by, against)


def _dimensions() -> tuple[str, str]:
    with st.container(horizontal=True, gap="small"):
        first = _choice("Bars", explorer.DIMENSIONS, "bars")
        second = _choice("Stacked by", tuple(name for name in explorer.DIMENSIONS if name != first), "split")
    return first, second


def _choice(label: str, options: tuple[str, ...], key: str) -> str:
    return str(st.selectbox(label, options, key=key, bind="query-params", width=200))
