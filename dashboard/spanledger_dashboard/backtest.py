"""When a rule would have fired on the history that the ledger holds: by the code that runs live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from spanledger_dashboard import cache, cards, charts, incidents, listing, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import label
from spanledger_dashboard.palette import VERMILLION

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE_S: Final = 600.0  # built-in rules replay the whole engine
_TRIED: Final = "tried"
_ROW_PIXELS: Final = 26
_AXES_PIXELS: Final = 60


def card(names: list[str]) -> None:
    """A rule that there is, or the draft beside it; the result stays until another is tried."""
    with cards.card("Try a rule on the past", "Built-in rules replay everything: up to minutes on a large ledger."):
        with st.form("backtest", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Rule ", names)
            days = st.number_input("Days", 1, 90, 30)
            if st.form_submit_button("Try", icon=":material/history:"):
                _ask(rule=str(name), days=int(days))
        if told := st.session_state.get(_TRIED):
            _result(told)


def draft(rule: Mapping[str, Any]) -> None:
    """Try what was not saved; shown beside, in the card."""
    _ask(draft=dict(rule), days=30)
    if st.session_state.get(_TRIED):
        st.rerun()


def _ask(**body: Any) -> None:
    st.session_state.pop(_TRIED, None)
    try:
        with st.spinner("Replaying the history ..."):
            st.session_state[_TRIED] = cache.act("POST", "/alerts/backtest", body, _PATIENCE_S)
    except ApiError as error:
        st.text(str(error))


def _result(told: Mapping[str, Any]) -> None:
    st.text(label(told["sentence"], 300))
    if not told["fired"]:
        return
    rows = [_row(each, told["to"]) for each in told["fired"]]
    cards.chart(chart(rows, told), f"When {label(told['rule'])} would have fired")
    listing.draw(
        rows, {"Since": ("since", "text"), "Place": ("place", "text"), "What": ("summary", "wide")}, most_rows=5
    )
    tables.download(rows, "backtest", st.container())


def _row(each: Mapping[str, Any], end: str) -> dict[str, Any]:
    seen, expected = (incidents.number(each[name], each["unit"]) for name in ("seen", "expected"))
    place = incidents.place(each) or "all calls"
    told = {"since": each["since"], "until": each["resolved_at"] or end, "place": label(place, 80)}
    return told | {"seen": seen, "expected": expected, "summary": each["summary"]}


def chart(rows: list[dict[str, Any]], told: Mapping[str, Any]) -> alt.Chart:
    """A bar for each time it was on, by place."""
    frame = pd.DataFrame(rows)
    for edge in ("since", "until"):
        frame[edge] = pd.to_datetime(frame[edge], utc=True)
    domain = [told["from"], told["to"]]
    x = alt.X(
        "since:T", scale=alt.Scale(type="utc", domain=domain), axis=charts.axis("UTC", format="%b %d", tickCount=6)
    )
    drawn: alt.Chart = (
        alt.Chart(frame, height=_ROW_PIXELS * frame["place"].nunique() + _AXES_PIXELS, padding=charts.NO_PADDING)
        .mark_bar(size=12, color=VERMILLION, cornerRadius=1, stroke=VERMILLION, strokeWidth=2)
        .encode(
            x=x,
            x2=alt.X2("until:T"),
            y=alt.Y("place:N", sort=None, axis=charts.axis(None, grid=True, labelLimit=200)),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("place", "seen", "expected", "summary")],
        )
    )
    return drawn
