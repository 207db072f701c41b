"""What leaks money, where, and what to do about it?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, finding, states

_SHOWN = {"To do": ("open", "accepted", "fixed"), "Verified": ("verified",), "Dismissed": ("dismissed",)}


def page() -> None:
    """The sentence, then a card for each finding, most money first."""
    if not cache.rows("services"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    rows = finding.of(chosen)
    groups = {name: [row for row in rows if row["status"] in kept] for name, kept in _SHOWN.items()}
    cards.opening(finding.sentence(groups["To do"], groups["Verified"]), demo=cache.pulse().demo)
    picked = st.segmented_control(
        "Which findings",
        [f"{name} · {len(found)}" for name, found in groups.items()],
        default=f"To do · {len(groups['To do'])}",
        required=True,
        label_visibility="collapsed",
    )
    for row in groups[str(picked).rpartition(" · ")[0]]:
        finding.card(row)
    if not rows:
        finding.nothing()
