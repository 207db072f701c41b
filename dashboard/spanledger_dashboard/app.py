"""The router: what is common to all pages. A new page is one file in views/ and one line here."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from spanledger_dashboard import states
from spanledger_dashboard.views import overview

HERE = Path(__file__).parent

st.set_page_config(page_title="Spanledger", page_icon=str(HERE / "assets/mark.svg"), layout="wide")
st.html(HERE / "assets/page.css")
st.logo(str(HERE / "assets/logo.svg"), size="large")

pages = [
    st.Page(overview.page, title="Overview", icon=":material/monitoring:", url_path="overview", default=True),
]

page = st.navigation(pages, position="top")
states.watched(page.run)
