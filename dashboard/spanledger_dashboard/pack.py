"""The document for the meeting, made by the collector when it is asked for; and what another choice would cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cache, cards, listing, reviewed, sign_in, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import estimate, money

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_dashboard.reviewed import Asked

# format: (what the button says, ending, media type)
FILES: Final = {
    "pdf": ("PDF to print", "pdf", "application/pdf"),
    "html": ("HTML", "html", "text/html"),
    "md": ("Markdown", "md", "text/markdown"),
    "csv": ("CSV", "csv", "text/csv"),
    "focus": ("FOCUS", "csv", "text/csv"),
}


def downloads(asked: Asked) -> None:
    """One button for each format; the file is made when it is clicked."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pack"):
        st.text("The pack for the meeting:")
        for name, (said, ending, media) in FILES.items():
            st.download_button(
                said,
                _made(asked, name),
                f"review-{asked.period}{'-focus' if name == 'focus' else ''}.{ending}",
                media,
                icon=":material/print:" if name == "pdf" else ":material/download:",
                type="primary" if name == "pdf" else "secondary",
                on_click="ignore",
                key=f"pack-{name}",
            )


def _made(asked: Asked, name: str) -> Callable[[], bytes]:
    client = sign_in.client()  # when it is called there is no session to ask
    return lambda: client.file("/review/file", (("format", name), *asked.params()))


def what_if(asked: Asked, models: list[str]) -> None:
    """Another model, more cache, batches: an estimate from the tokens of this period, and labelled so."""
    with st.expander("What if? An estimate with another model, cache or batch share", icon=":material/calculate:"):
        with st.form("what-if", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            model = st.selectbox("Calls of", ["every model", *models])
            other = st.text_input("Answered by the model", placeholder="the same")
            cache_hit = st.number_input("Share of input read from cache", 0.0, 1.0, value=None, step=0.05)
            batch = st.number_input("Share sent as batches", 0.0, 1.0, value=None, step=0.05)
            asked_now = st.form_submit_button("Estimate")
        if asked_now:
            numbers = {"cache_hit": cache_hit, "batch": batch}
            texts = {"to_model": other.strip(), "model": "" if model == "every model" else str(model)}
            more = {name: str(value) for name, value in numbers.items() if value is not None} | texts
            _estimate(asked, {name: value for name, value in more.items() if value})


def _estimate(asked: Asked, more: dict[str, str]) -> None:
    params = {name: value for name, value in asked.params() if name != "against"} | more
    try:
        told = reviewed.exact(cache.told("/what-if", tuple(params.items())))
    except ApiError as error:
        st.text(str(error))
        return
    rows: list[dict[str, Any]] = told["features"]
    known = [row for row in rows if row["estimate_usd"] is not None]
    paid, other = (sum((row[name] for row in known), Decimal(0)) for name in ("cost_usd", "estimate_usd"))
    st.text(f"≈ {money(other)} instead of {money(paid)}, for {len(known)} of {len(rows)} features. An estimate.")
    fields = {"Feature": ("feature", "text"), "Why not": ("reason", "wide"), "Paid": ("cost_usd", money)}
    listing.draw(rows, fields | {"Estimate": ("estimate_usd", estimate)})
    tables.download(rows, "what-if", st.container())


def findings(rows: list[dict[str, Any]]) -> None:
    """What to do about it, most money first; the page Findings has the fix."""
    with cards.card("What to do", "Open findings of this time by money; the page Findings has fix and evidence."):
        if not rows:
            st.markdown(":material/check_circle: No finding is open in this time.")
            return
        fields = {"Finding": ("title", "wide"), "Service": ("service", "text"), "Status": ("status", "text")}
        listing.draw(rows, fields | {"A month": ("worth", "right")}, most_rows=6)
        st.link_button("Findings", "findings", icon=":material/build:", type="tertiary")
