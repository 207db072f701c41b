"""Pictures of what was expected and what was seen: a line in its band, and which part of a cost moved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from spanledger_dashboard import charts
from spanledger_dashboard.format import duration, share
from spanledger_dashboard.palette import BLUE, GREEN, GREY, VERMILLION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    Told = Mapping[str, Any]

_HEIGHT: Final = 180
_ROW_PIXELS: Final = 26
_TICKS: Final = {"share of calls": ".0%", "US dollars": "$,.2~f", "ms": ",.0f"}
_NUMBERS: Final = ("seen", "expected", "lower", "upper")


def chart(one: Told, flagged: Sequence[Told], zone: ZoneInfo, marks: Sequence[alt.Chart] = ()) -> alt.LayerChart:
    """Hours of a series: the band light, what was expected thin, what was seen strong, flagged stretches shaded, and
    ``marks`` above.
    """
    frame = pd.DataFrame([_point(point, one["unit"], zone) for point in one["points"]])
    time = alt.X(
        "when:T",
        scale=alt.Scale(type="utc"),
        axis=charts.axis(f"hour, {zone}", grid=False, format="%d %b %H:%M", tickCount=6),
    )
    y = alt.Y("seen:Q", axis=charts.axis(one["unit"], format=_TICKS.get(one["unit"], ".3~s"), tickCount=4))
    base = alt.Chart(frame, height=_HEIGHT).encode(x=time)
    said = [
        alt.Tooltip("said_when:N", title=str(zone)),
        alt.Tooltip("said:N", title="seen"),
        alt.Tooltip("said_expected:N", title="expected"),
    ]
    layers = [
        base.mark_area(opacity=0.18, color=BLUE).encode(y=alt.Y("lower:Q"), y2=alt.Y2("upper:Q")),
        base.mark_line(strokeWidth=1, strokeDash=[4, 3], color=GREY).encode(y=alt.Y("expected:Q")),
        base.mark_line(strokeWidth=2, color=BLUE).encode(y=y),
        base.mark_point(size=7, filled=True, color=BLUE, opacity=1).encode(y=alt.Y("seen:Q"), tooltip=said),
    ]
    return alt.LayerChart(layer=[*_stretches(flagged, frame, zone), *layers, *marks], padding=charts.NO_PADDING)


def _stretches(flagged: Sequence[Told], frame: pd.DataFrame, zone: ZoneInfo) -> list[alt.Chart]:
    if not flagged or not len(frame):
        return []
    first, last = frame["when"].min(), frame["when"].max()
    rows = [
        {"when": max(wall(each["since"], zone), first), "end": wall(each["until"], zone) if each["until"] else last}
        | {"what": f"{each['kind'].replace('_', ' ')}: {each['summary']}"}
        for each in flagged
    ]
    shown = pd.DataFrame(row for row in rows if row["end"] >= first)
    if not len(shown):
        return []
    rects: alt.Chart = (
        alt.Chart(shown)
        .mark_rect(color=VERMILLION, opacity=0.16, stroke=VERMILLION, strokeOpacity=0.5)
        .encode(x=alt.X("when:T"), x2=alt.X2("end:T"), tooltip=[alt.Tooltip("what:N", title="flagged")])
    )
    return [rects]


def _point(point: Told, unit: str, zone: ZoneInfo) -> dict[str, Any]:
    numbers = {name: None if point[name] is None else float(point[name]) for name in _NUMBERS}
    when = wall(point["start"], zone)
    said = {"said": spoken(numbers["seen"], unit), "said_expected": spoken(numbers["expected"], unit)}
    return {"when": when, "said_when": when.strftime("%a %d %b %H:%M"), **numbers, **said}


def spoken(value: float | None, unit: str) -> str:
    """A number of a series as a person would say it."""
    if value is None:
        return "unknown"
    if unit == "ms":
        return duration(value)
    return share(value) if unit.startswith("share") else f"{value:,.4g} {unit}"


def wall(text: str, zone: ZoneInfo) -> pd.Timestamp:
    """The clock of the zone, told to Vega as if it were UTC: it knows no other."""
    local = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
    wall: pd.Timestamp = pd.Timestamp(local.replace(tzinfo=None), tz="UTC")
    return wall


def causes(parts: Sequence[tuple[str, float]]) -> alt.LayerChart:
    """Each part as a multiple of what was expected of it, from 1 on; their product is the whole's."""
    rows = [
        {"part": name, "one": 1.0, "ratio": ratio, "end": max(ratio, 1.0), "said": f"{ratio:.2f} times"}
        for name, ratio in parts
    ]
    base = alt.Chart(pd.DataFrame(rows), height=_ROW_PIXELS * len(rows) + 40).encode(
        y=alt.Y("part:N", sort=None, axis=charts.axis(None, grid=False))
    )
    colour = alt.condition("datum.ratio > 1", alt.value(VERMILLION), alt.value(GREEN))
    x = alt.X("one:Q", scale=alt.Scale(zero=False), axis=charts.axis("cost, times what was expected", tickCount=4))
    bars = base.mark_bar(size=12).encode(
        x=x, x2=alt.X2("ratio:Q"), color=colour, tooltip=[alt.Tooltip("part:N"), alt.Tooltip("said:N")]
    )
    text = base.mark_text(align="left", dx=5, color=GREY, fontSize=12).encode(x=alt.X("end:Q"), text=alt.Text("said:N"))
    return alt.LayerChart(layer=[bars, text], padding=charts.NO_PADDING)
