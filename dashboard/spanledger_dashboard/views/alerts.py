"""What is wrong now, what was, and who was told?"""

from __future__ import annotations

from spanledger_dashboard import cache, cards, filters, incidents, states


def page() -> None:
    """The sentence, a card for each incident that is on, those that ended, and every notification."""
    if not cache.rows("services"):
        states.empty(cache.pulse().status)
        return
    period = filters.bar().period
    edges = tuple(pair for pair in filters.Selection(period, ()).params())
    rows, notes = cache.rows("alerts", edges), cache.rows("notifications", edges)
    current = [row for row in rows if row["state"] != "resolved"]
    past = [row for row in rows if row["state"] == "resolved"]
    failed = sum(not row["ok"] for row in notes)
    cards.opening(incidents.sentence(current, past, failed, period.said), demo=cache.pulse().demo)
    for row in current:
        incidents.card(row, period)
    if past:
        incidents.history(past, period)
    incidents.told(notes, period)
