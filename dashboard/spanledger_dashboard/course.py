"""Where the period will land: the course of spend so far, what is expected of the rest, and the budgets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from spanledger_dashboard import cache, cards, charts, listing, sign_in, tables
from spanledger_dashboard.client import ApiError
from spanledger_dashboard.format import money, share
from spanledger_dashboard.palette import BLUE, GREY

if TYPE_CHECKING:
    from collections.abc import Mapping

    Told = Mapping[str, Any]

_HEIGHT: Final = 300


def forecast(told: Told) -> None:
    """Both periods' running sums, and the range expected at the end."""
    ahead = told["forecast"]["period"]
    with cards.card("Where it will land", expected(ahead)) as controls:
        rows = sums(told, "against") + sums(told, "period")
        cards.chart(chart(rows, ahead, days(told)), "Running sum of spend by day, with the expected end")
        tables.download(told["daily"], "daily", controls)
        if previous := told["forecast"]["previous"]:
            wrong = previous["expected_usd"] - previous["cost_usd"]
            off = f", {share(abs(float(wrong / previous['cost_usd'])))} off" if previous["cost_usd"] else ""
            st.text(
                f"Half-way through {previous['name']} the same method expected {money(previous['expected_usd'])}; "
                f"it became {money(previous['cost_usd'])}{off}."
            )


def expected(ahead: Told | None) -> str:
    """One line; a run rate says that it is one."""
    if ahead is None:
        return "Nothing is expected of a period without known spend."
    if ahead["method"] == "closed":
        return "The period is over: this is what it came to."
    if ahead["p10_usd"] is None:
        return f"≈ {_literal(ahead['p50_usd'])} at the run rate so far; too little history for a range."
    low, high = (_literal(ahead[name]) for name in ("p10_usd", "p90_usd"))
    return f"≈ {_literal(ahead['p50_usd'])} expected; eight times of ten between {low} and {high}."


def _literal(amount: Decimal) -> str:
    return money(amount).replace("$", r"\$")


def days(told: Told) -> int:
    """How long the period is."""
    first, end = (date.fromisoformat(told["period"][edge][:10]) for edge in ("from", "to"))
    return (end - first).days


def sums(told: Told, which: str) -> list[dict[str, Any]]:
    """Known spend up to the end of each day of a period."""
    span = told[which]
    first, end = (date.fromisoformat(span[edge][:10]) for edge in ("from", "to"))
    rows, running = [], Decimal(0)
    for row in told["daily"]:
        day = date.fromisoformat(row["day"])
        if first <= day < end:
            running += row["cost_usd"] or 0
            told_row = {"day": (day - first).days + 1, "usd": float(running), "said": money(running)}
            rows.append({**told_row, "date": f"{day:%a %d %b}", "period": span["name"]})
    return rows


def chart(rows: list[dict[str, Any]], ahead: Told | None, length: int) -> alt.LayerChart:
    """Lines by day of the period; the range stands at its last day."""
    names = list(dict.fromkeys(row["period"] for row in rows))
    colours = [GREY, BLUE] if len(names) > 1 else [BLUE]
    last = max([length, *(row["day"] for row in rows)])
    scale = alt.Scale(domain=[1, last], nice=False, zero=False)
    x = alt.X("day:Q", scale=scale, axis=charts.axis("day of the period, UTC", grid=False))
    y = alt.Y("usd:Q", axis=charts.axis("US dollars, running sum", format="$,.2~f", tickCount=5))
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", padding=0, offset=6)
    lines = (
        alt.Chart(pd.DataFrame(rows, columns=["day", "usd", "said", "date", "period"]), height=_HEIGHT)
        .mark_line(strokeWidth=2, point={"size": 24})
        .encode(
            x=x,
            y=y,
            color=alt.Color("period:N", sort=None, scale=alt.Scale(domain=names, range=colours), legend=legend),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("period", "date", "said")],
        )
    )
    return alt.LayerChart(layer=[lines, *_range(ahead, length)], padding=charts.NO_PADDING)


def _range(ahead: Told | None, length: int) -> list[alt.Chart]:
    if ahead is None or ahead["method"] == "closed":
        return []
    low, middle, high = (ahead[name] for name in ("p10_usd", "p50_usd", "p90_usd"))
    said = f"≈ {money(middle)}"
    row = {"day": length, "usd": float(middle), "low": float(low or middle), "high": float(high or middle)}
    base = alt.Chart(pd.DataFrame([{**row, "said": said}])).encode(
        x=alt.X("day:Q", scale=alt.Scale(zero=False)), tooltip=[alt.Tooltip("said:N")]
    )
    reach = base.mark_rule(strokeWidth=6, opacity=0.35, color=BLUE).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    point = base.mark_point(size=90, shape="diamond", color=BLUE, fill="white").encode(y=alt.Y("usd:Q"))
    text = base.mark_text(align="right", dx=-10, color=GREY, fontSize=12).encode(
        y=alt.Y("usd:Q"), text=alt.Text("said:N")
    )
    return [reach, point, text]


def budgets(told: Told) -> None:
    """Each budget with how fast it is used; who may, sets one."""
    with cards.card("Budgets", "Of calendar months, in UTC. Burn 1 uses a budget up exactly at its end.") as controls:
        rows = [_budget(row) for row in told["budgets"]]
        if rows:
            fields = {"Scope": ("scope", "text"), "Used": ("used", share), "Burn": ("burn", _times)}
            ahead = {"Runs out": ("runs_out", "text"), "Chance to pass": ("chance", share)}
            listing.draw(rows, fields | ahead | {"Spent": ("spent", money), "Budget": ("usd", money)})
            tables.download(rows, "budgets", controls)
        else:
            st.markdown("No budget is in force in this period.")
        if sign_in.only_admins("Setting a budget"):
            _set()


def _budget(row: Told) -> dict[str, Any]:
    said = ", ".join(f"{name} {value}" for name, value in row["scope"].items()) or "everything"
    money_of = {"spent": row["spent_usd"], "usd": row["budget_usd"]}
    ends = row["runs_out"] or "not in this period"
    told = {"used": row["used"], "burn": row["burn_multiple"], "runs_out": ends, "chance": row["chance_to_pass"]}
    return {"scope": said, **told, **money_of}


def _times(value: float | None) -> str:
    return "unknown" if value is None else f"{float(value):.2f}"


def _set() -> None:
    with st.popover("Set a budget", icon=":material/savings:"), st.form("budget", border=False):
        usd = st.number_input("US dollars a month; 0 ends it", min_value=0.0, step=10.0, value=None)
        scope = {name: st.text_input(f"{name.capitalize()}, empty for all") for name in ("team", "feature", "model")}
        note = st.text_input("Note")
        if st.form_submit_button("Save") and usd is not None:
            try:
                cache.act("PUT", "/budgets", {"usd": f"{usd:.2f}" if usd else None, "note": note, **scope})
            except ApiError as error:
                st.text(str(error))
            else:
                st.rerun()
