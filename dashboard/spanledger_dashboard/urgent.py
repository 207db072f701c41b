"""What cannot wait for the rest of the overview: the alerts that are on, and the findings that are worth most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import cache, cards, finding, incidents, listing

if TYPE_CHECKING:
    from spanledger_dashboard.filters import Selection

_MOST: Final = 3


def now(chosen: Selection) -> None:
    """Two cards side by side, each with its way on."""
    left, right = st.columns(2)
    with left:
        _burning(chosen)
    with right:
        _first(chosen)


def _burning(chosen: Selection) -> None:
    rows = [row for row in cache.rows("alerts") if row["state"] != "resolved"]
    with cards.card("What is burning", "Alerts that are on now, whatever the filters.") as controls:
        controls.link_button("Alerts", "alerts", icon=":material/notifications:", type="tertiary")
        if not rows:
            st.markdown(":material/check_circle: No alert is on.")
            return
        shown = [row | {"place": incidents.in_short(row) or "all calls"} for row in rows]
        fields = {"Rule": ("rule", "text"), "Place": ("place", "text"), "Since": ("since", "time")}
        listing.draw(shown, fields | {"What was seen": ("summary", "wide")}, chosen.period.zone, most_rows=_MOST)


def _first(chosen: Selection) -> None:
    rows = [row for row in finding.of(chosen) if row["status"] in ("open", "accepted")]
    with cards.card("What to fix first", "Open findings of this view by money.") as controls:
        controls.link_button("Findings", "findings", icon=":material/build:", type="tertiary")
        if not rows:
            st.markdown(":material/check_circle: No finding is open in this view.")
            return
        fields = {"Finding": ("title", "finding"), "Service": ("service", "text"), "A month": ("worth", "right")}
        listing.draw([row | {"worth": finding.worth(row)} for row in rows], fields, most_rows=_MOST)
