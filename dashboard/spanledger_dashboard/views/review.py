"""What did it cost, why did it change, where will it land, whose is it, and how far does that hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from spanledger_dashboard import cache, cards, course, finding, outlay, pack, reviewed, states, variance

if TYPE_CHECKING:
    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.reviewed import Asked


def page() -> None:
    """The sentence and the pack, five figures, the bridge, the forecast, then the tables that explain them."""
    begun = cache.names("beginning")
    if not begun:
        states.empty(cache.pulse().status)
        return
    asked = reviewed.bar()
    opened = reviewed.opening(asked)
    cards.opening(opened["headline"] + reviewed.restated(opened), demo=opened["demo"])
    begins = begun[0]["first_seen"]
    if begins.isoformat() > opened["against"]["from"]:
        st.caption(f"The ledger begins {begins:%b %d}: {opened['against']['name']} is not whole in it.")
    pack.downloads(asked)
    if not opened["totals"]["now"]["calls"]:
        states.nothing_matches()
        return
    told = reviewed.answer(asked, opened)
    outlay.figures(told)
    left, right = st.columns([3, 2])
    with left:
        variance.bridge(told)
    with right:
        course.forecast(told)
    variance.by(told)
    outlay.showback(told)
    course.budgets(told)
    pack.findings(_open(asked, told))
    left, right = st.columns(2)
    with left:
        outlay.unit_costs(told)
    with right:
        outlay.coverage(told)
        outlay.waste(told)
    left, right = st.columns(2)
    with left:
        outlay.response_cache(told)
    with right:
        outlay.fallbacks(told)
    outlay.restatements(told)
    pack.what_if(asked, [row["key"] for row in told["showback"]["model"] if row["key"]])


def _open(asked: Asked, told: dict[str, Any]) -> list[Row]:
    edges = (("from", told["period"]["from"]), ("to", told["period"]["to"]))
    scope = tuple(pair for pair in asked.scope if pair[0] != "team")
    rows = [row for row in cache.rows("findings", (*edges, *scope)) if row["status"] in ("open", "accepted")]
    return [row | {"worth": finding.worth(row)} for row in rows]
