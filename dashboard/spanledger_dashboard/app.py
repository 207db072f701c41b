"""The router: what is common to all pages. A new page is one file in views/ and one line here."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from spanledger_dashboard import sign_in, states
from spanledger_dashboard.views import (
    alerts,
    anomalies,
    calls,
    findings,
    models,
    overview,
    prompt_cache,
    reliability,
    review,
    spend,
    status,
    structured_output,
    trace,
)

HERE = Path(__file__).parent

st.set_page_config(page_title="Spanledger", page_icon=str(HERE / "assets/mark.svg"), layout="wide")
st.html(HERE / "assets/page.css")
st.logo(str(HERE / "assets/logo.svg"), size="large")

# Sections, so that the row of names fits a laptop.
pages = {
    "What to do": [
        st.Page(overview.page, title="Overview", icon=":material/monitoring:", url_path="overview", default=True),
        st.Page(findings.page, title="Findings", icon=":material/build:", url_path="findings"),
        st.Page(alerts.page, title="Alerts", icon=":material/notifications:", url_path="alerts"),
        st.Page(anomalies.page, title="Anomalies", icon=":material/ssid_chart:", url_path="anomalies"),
    ],
    "Money": [
        st.Page(spend.page, title="Spend explorer", icon=":material/stacked_bar_chart:", url_path="spend"),
        st.Page(review.page, title="Cost review", icon=":material/receipt_long:", url_path="review"),
        st.Page(models.page, title="Models and prices", icon=":material/sell:", url_path="models"),
    ],
    "Quality": [
        st.Page(reliability.page, title="Reliability", icon=":material/network_check:", url_path="reliability"),
        st.Page(prompt_cache.page, title="Prompt cache", icon=":material/cached:", url_path="prompt-cache"),
        st.Page(
            structured_output.page,
            title="Structured output",
            icon=":material/data_object:",
            url_path="structured-output",
        ),
    ],
    "Calls": [
        st.Page(calls.page, title="Calls", icon=":material/list:", url_path="calls"),
        st.Page(trace.page, title="Trace", icon=":material/account_tree:", url_path="trace"),
        st.Page(status.page, title="Status", icon=":material/dns:", url_path="status"),
    ],
}

page = st.navigation(pages, position="top")
if sign_in.passed():
    # A review is read, not watched: a redraw would also take away a pack that is being made for its download.
    states.watched(page.run, live=page.url_path != "review")
    sign_in.footer()
