"""Does the collector keep up, and what did it lose?"""

from __future__ import annotations

from datetime import datetime, timezone

import streamlit as st

from spanledger_dashboard import cache, cards, health
from spanledger_dashboard.client import ApiError


def page() -> None:
    """The sentence, five figures, what went wrong, then tables and counters. It has no filters: it is about no call."""
    pulse = cache.pulse()
    if not pulse.status:
        raise pulse.error or ApiError("unreadable", "The collector sent no status.")
    cards.opening(health.sentence(pulse), demo=pulse.demo)
    health.figures(pulse.status, health.last_hour(datetime.now(timezone.utc)))
    wrong = health.troubles(pulse.status)
    if wrong:
        health.wrong(wrong)
    left, right = st.columns(2)
    with left:
        health.store(pulse.status)
    with right:
        health.counters(pulse.status)
