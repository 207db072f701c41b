"""What was out of the ordinary at one place, against its own past, and which part of it moved?"""

from __future__ import annotations

from datetime import datetime, timezone

import streamlit as st

from spanledger_dashboard import cache, cards, deploys, panels, states, unusual


def page() -> None:
    """The sentence, a card for each flagged stretch, then each series in its band."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    now = datetime.now(timezone.utc)
    place, since, zone = unusual.bar(now)
    if not any(place):
        st.text("No service has called a model in this time. Choose a longer time.")
        return
    found = unusual.told(place, since, now)
    cards.opening(unusual.sentence(found, " · ".join(filter(None, place))), demo=cache.pulse().demo)
    panels.restated_in((("from", unusual.rfc3339(since)), ("to", unusual.rfc3339(now))))
    on = {row["fingerprint"]: row for row in cache.rows("alerts") if row["state"] != "resolved"}
    unusual.flagged(found, on, zone, now)
    deploys.table(found["changes"], zone)
    unusual.series(found, unusual.FIRST, zone)
    rest = [name for name in unusual.told_of(found) if name not in unusual.FIRST]
    for pair in (rest[start : start + 2] for start in range(0, len(rest), 2)):
        for name, column in zip(pair, st.columns(len(pair)), strict=True):
            with column:
                unusual.series(found, [name], zone)
