"""Why the bill changed: the bridge from one period to the other, whose bars add up to the difference exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from spanledger_dashboard import cards, charts, listing, tables
from spanledger_dashboard.explorer import signed
from spanledger_dashboard.format import label, money
from spanledger_dashboard.palette import GREEN, GREY, VERMILLION
from spanledger_dashboard.reviewed import behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    Told = Mapping[str, Any]

BY: Final = ("team", "feature", "model", "provider", "service")
_ROW_PIXELS: Final = 30
_AXES_PIXELS: Final = 60
_KINDS: Final = {"more": VERMILLION, "less": GREEN, "period": GREY}
_ROOM: Final = 0.12  # of the span, for the amounts beside the bars


def bridge(told: Told) -> None:
    """The picture, then the same by whoever moved it."""
    found, now, then = told["bridge"], told["period"]["name"], told["against"]["name"]
    why = f"From {then} to {now}; the bars add up to the difference exactly."
    with cards.card("Why it changed", why) as controls:
        if found["bars"] is None:
            st.text(f"There is no bridge: {found['suppressed']}.")
            return
        cards.chart(chart(found, now, then), f"Variance bridge from {then} to {now}")
        rows = [{**bar, "mostly": place(bar["mostly"])} for bar in found["bars"]]
        tables.download(rows, "bridge", controls)


def steps(found: Told, now: str, then: str) -> list[dict[str, Any]]:
    """Rows of the picture, top down: where it began, each bar that moved it, where it ended."""
    running, rows = found["before_usd"], [_level(then, found["before_usd"])]
    for bar in found["bars"]:
        if not bar["usd"]:
            continue
        kind = "more" if bar["usd"] > 0 else "less"
        after = running + bar["usd"]
        rows.append(
            {
                "name": bar["title"],
                "start": running,
                "end": after,
                "kind": kind,
                "said": signed(bar["usd"]),
                "meaning": bar["meaning"],
                "mostly": place(bar["mostly"]),
            }
        )
        running = after
    return [*rows, _level(now, found["after_usd"])]


def _level(name: str, usd: Decimal) -> dict[str, Any]:
    said = {"said": money(usd), "meaning": "known spend", "mostly": ""}
    return {"name": name, "start": Decimal(0), "end": usd, "kind": "period", **said}


def place(segment: Told | None) -> str:
    """Who moved a bar most."""
    if not segment:
        return ""
    return " · ".join(label(str(segment[name]), 40) for name in ("service", "feature", "model") if segment[name])


def chart(found: Told, now: str, then: str) -> alt.LayerChart:
    """Lying bars, for their names are words; both periods are bars from zero."""
    rows = steps(found, now, then)
    numbers = {"start", "end"}
    frame = pd.DataFrame([{key: float(v) if key in numbers else v for key, v in row.items()} for row in rows])
    frame["right"] = frame[["start", "end"]].max(axis=1)
    top = float(frame["right"].max()) * (1 + _ROOM)
    low = min(0.0, float(frame[["start", "end"]].min().min()))
    base = alt.Chart(frame, height=_ROW_PIXELS * len(frame) + _AXES_PIXELS).encode(
        y=alt.Y("name:N", sort=None, axis=charts.axis(None, grid=False, labelLimit=160))
    )
    scale = alt.Scale(domain=[low, top], nice=False)
    legend = alt.Scale(domain=list(_KINDS), range=list(_KINDS.values()))
    bars = base.mark_bar(size=16, cornerRadius=1).encode(
        x=alt.X("start:Q", scale=scale, axis=charts.axis("US dollars", format="$,.2~f", tickCount=5)),
        x2=alt.X2("end:Q"),
        color=alt.Color("kind:N", scale=legend, legend=None),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("name", "said", "meaning", "mostly")],
    )
    amounts = base.mark_text(align="left", dx=6, color=GREY, fontSize=12).encode(
        x=alt.X("right:Q"), text=alt.Text("said:N")
    )
    return alt.LayerChart(layer=[bars, amounts], padding=charts.NO_PADDING)


def by(told: Told) -> None:
    """The same bars for each team, feature, model, provider or service."""
    if told["bridge"]["by"] is None:
        return
    with cards.card("Who changed it", "Largest change first; a row's bars add up to its change.") as controls:
        dimension = controls.segmented_control(
            "By", BY, default="team", required=True, key="moved-by", bind="query-params", label_visibility="collapsed"
        )
        rows = [
            _row(group) | {"see": behind(told, **{dimension: group["key"]})}
            for group in told["bridge"]["by"][dimension]
        ]
        moved = [bar for bar in told["bridge"]["bars"] if any(row[bar["bar"]] for row in rows)]
        bars = {bar["title"].capitalize(): (bar["bar"], signed) for bar in moved}
        fields = {str(dimension).capitalize(): ("key", "text"), **bars, "Change": ("change", signed), **listing.SEE}
        listing.draw(rows, fields, most_rows=8)
        tables.download(rows, f"bridge-by-{dimension}", controls)


def _row(group: Told) -> dict[str, Any]:
    change = group["after_usd"] - group["before_usd"]
    return {"key": group["key"], **group["bars"], "change": change}
