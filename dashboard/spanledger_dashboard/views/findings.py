"""What leaks money, where, and what to do about it?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, filters, finding, states

_FIRST, _MOST = "To do", 20
_SHOWN = {_FIRST: ("open", "accepted", "fixed"), "Verified": ("verified",), "Dismissed": ("dismissed",)}


def page() -> None:
    """The sentence, then a card for each finding, most money first."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    rows = finding.of(chosen)
    groups = {name: [row for row in rows if row["status"] in kept] for name, kept in _SHOWN.items()}
    cards.opening(finding.sentence(groups[_FIRST], groups["Verified"]), demo=cache.pulse().demo)
    picked = st.segmented_control(
        "Which findings",
        list(_SHOWN),
        default=_FIRST,
        required=True,
        key="which",
        bind="query-params",
        label_visibility="collapsed",
    )
    st.caption(" · ".join(f"{name}: {len(group)}" for name, group in groups.items()))
    shown = groups[str(picked)]
    for row in shown[:_MOST]:
        finding.card(row)
    if len(shown) > _MOST and st.toggle(
        f"Show {len(shown) - _MOST} more, of less money", key="every", bind="query-params"
    ):
        for row in shown[_MOST:]:
            finding.card(row)
    if not rows:
        finding.nothing()
