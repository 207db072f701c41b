"""What is wrong now, who was told, and by which rules?"""

from __future__ import annotations

import streamlit as st

from spanledger_dashboard import cache, cards, course, filters, incidents, responding, reviewed, rules, silences, states

_SECTIONS = ("Alerts", "Budgets", "Rules", "Silences", "Channels")


def page() -> None:
    """The sentence, then alerts and their history, or the rules, silences and channels behind them."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    period = filters.bar().period
    edges = tuple(pair for pair in filters.Selection(period, ()).params())
    rows, notes = cache.rows("alerts", edges), cache.rows("notifications", edges)
    current = [row for row in rows if row["state"] != "resolved"]
    past = [row for row in rows if row["state"] == "resolved"]
    failed = sum(not row["ok"] for row in notes)
    cards.opening(incidents.sentence(current, past, failed, period.said), demo=cache.pulse().demo)
    section = st.segmented_control(
        "Show",
        _SECTIONS,
        default="Alerts",
        required=True,
        key="show",
        bind="query-params",
        label_visibility="collapsed",
    )
    if section == "Budgets":
        course.budgets(reviewed.this_month())
    elif section == "Rules":
        rules.listed()
    elif section == "Silences":
        silences.listed()
    elif section == "Channels":
        silences.channels()
        incidents.told(notes, period)
    else:
        mutes = responding.silenced()
        for row in current:
            incidents.card(row, period, mutes.get(row["fingerprint"]))
        if past:
            incidents.history(past, period)
        incidents.told(notes, period)
