"""What happened in one request, and what did each part of it cost?"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import streamlit as st

from spanledger_dashboard import cache, cards, waterfall
from spanledger_dashboard.format import counted, duration, money

_ID = re.compile(r"[0-9a-f]{32}")


def page() -> None:
    """The trace's id in the URL, the sentence, the waterfall, and every span's attributes on demand."""
    asked = st.text_input("Trace id", key="trace_id", bind="query-params", placeholder="32 hexadecimal digits")
    trace_id = asked.strip().lower()
    if not _ID.fullmatch(trace_id):
        st.text("Paste the id of a trace, or choose a call on the page Calls.")
        return
    spans = cache.rows("trace", (("trace_id", trace_id),))
    if not spans:
        st.text(f"No span of the trace {trace_id} is in the ledger.")
        return
    cards.opening(_sentence(spans), demo=cache.pulse().demo)
    with cards.card("Waterfall", "When each span began and how long it took; billed calls carry their cost."):
        cards.chart(waterfall.chart(spans), "The trace's spans over time")
    waterfall.table(spans, ZoneInfo("UTC"))
    for span in spans:
        waterfall.details(span)


def _sentence(spans: list[cache.Row]) -> str:
    billed = [span for span in spans if span["cost_grade"]]
    known = [span["cost_usd"] for span in billed if span["cost_usd"] is not None]
    unknown = len(billed) - len(known)
    took = max(waterfall.end_ms(span, spans) for span in spans)
    cost = f" for {money(sum(known))}" if known else ""
    rest = f", {counted(unknown, 'call')} of unknown cost" if unknown else ""
    failed = sum(span["status"] == "error" for span in spans)
    ended = f", {counted(failed, 'span')} ended in an error" if failed else ""
    return (
        f"{counted(len(billed), 'billed call')}{cost}{rest} in {duration(took)}: {counted(len(spans), 'span')}{ended}."
    )
