"""What happened in one request, and what did each part of it cost?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from spanledger_dashboard import cache, cards, filters, panels, waterfall
from spanledger_dashboard.format import counted, duration, money

if TYPE_CHECKING:
    from spanledger_dashboard.client import Params

_ID = re.compile(r"[0-9a-f]{32}")


def page() -> None:
    """The trace's id and the zone in the URL, the sentence, the waterfall, and every span's attributes on demand."""
    with st.container(horizontal=True, gap="small", key="filters"):
        asked = st.text_input("Trace id", key="trace_id", bind="query-params", placeholder="32 hexadecimal digits")
        zone = str(st.selectbox("Time zone", filters.zones(), key="zone", bind="query-params", width=170))
    trace_id = asked.strip().lower()
    if not _ID.fullmatch(trace_id):
        st.text("Paste the id of a trace, or choose a call on the page Calls.")
        return
    spans = cache.rows("trace", (("trace_id", trace_id),))
    if not spans:
        st.text(f"No span of the trace {trace_id} is in the ledger.")
        return
    cards.opening(_sentence(spans), demo=cache.pulse().demo)
    panels.restated_in(_days(spans))
    with cards.card("Waterfall", "When each span and each of its requests began and how long it took.") as controls:
        cards.chart(waterfall.chart(spans), "The trace's spans over time, with the cost of billed calls")
        waterfall.download(spans, controls)
    waterfall.table(spans, ZoneInfo(zone))
    for span in spans:
        waterfall.details(span)


def _days(spans: list[cache.Row]) -> Params:
    """The UTC days in which its calls were priced."""
    first, last = min(span["start"] for span in spans), max(span["start"] for span in spans)
    return (("from", f"{first:%Y-%m-%d}T00:00:00Z"), ("to", f"{last + timedelta(days=1):%Y-%m-%d}T00:00:00Z"))


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
