"""Charts: rows in, Altair out. One look for all; nothing here asks the ledger or draws on a page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from spanledger_dashboard.format import counted, duration, label, money
from spanledger_dashboard.palette import GREY, SERIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.palette import Palette
    from spanledger_dashboard.period import Period

PICK: Final = "pick"  # the selection's name: a click on a mark chooses its series
HEIGHT: Final = 300
_ROW_HEIGHT: Final = 40
_LEGEND_COLUMNS: Final = "width < 420 ? 2 : 4"  # Vega's own name for the plot's width: two on a phone
NO_PADDING: Final = {"left": 0, "top": 0, "right": 0, "bottom": 0}  # the card has its own
_RUNNING_OPACITY: Final = 0.45
_ABOVE_BARS, _ABOVE_MARKS = 6, 20  # pixels from the bars to the legend, with a line of labels between them or none
_SECOND_MS: Final = 1_000
_CENT: Final = 0.01


@dataclass(frozen=True, slots=True)
class Series:
    """At most six keys by money, each with its name and colour in the order they are stacked, then all others."""

    leading: dict[str, str]  # key -> name
    others: str  # "other (14)", or "" where there are none
    colours: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """What the legend says."""
        return [*self.leading.values(), *([self.others] if self.others else [])]

    def colour(self, key: str) -> str:
        """The colour of the series a key belongs to, on every chart of the page."""
        return dict(zip(self.leading, self.colours, strict=False)).get(key, GREY)

    def key(self, name: str) -> str | None:
        """The key a name stands for; None for "other"."""
        return next((key for key, shown in self.leading.items() if shown == name), None)


def series(ranked: Sequence[Row], palette: Palette) -> Series:
    """From rows ranked by money."""
    keys = [row["key"] for row in ranked]
    leading, others = keys[: len(SERIES)], len(keys[len(SERIES) :])
    colours = (*palette.colours(leading), *([GREY] if others else []))
    return Series(dict(zip(leading, distinct(leading), strict=True)), f"other ({others})" if others else "", colours)


def distinct(keys: Sequence[str]) -> list[str]:
    """Short names, numbered where shortening made two alike."""
    names = [label(key) for key in keys]
    return [f"{n} ({i + 1})" if names.count(n) > 1 else n for i, n in enumerate(names)]


def spend_over_time(
    rows: Sequence[Row], period: Period, shown: Series, marks: Sequence[alt.Chart] = ()
) -> alt.Chart | alt.LayerChart:
    """Stacked bars of known spend, ``marks`` above; buckets without calls keep their place, the running one is
    lighter.
    """
    frame = _spend_frame(rows, period, shown)
    bars: alt.Chart = (
        alt.Chart(frame, height=HEIGHT, padding=alt.Undefined if marks else NO_PADDING)
        .mark_bar(cornerRadiusEnd=1)
        .encode(
            x=bucket_axis(period),
            y=alt.Y("dollars:Q", axis=axis("US dollars", format=_dollar_ticks(frame), tickCount=5), stack="zero"),
            color=series_colour(shown, offset=_ABOVE_MARKS if marks else _ABOVE_BARS),
            order=alt.Order("rank:Q"),
            opacity=alt.OpacityValue(1, condition={"test": "datum.running", "value": _RUNNING_OPACITY}),
            tooltip=[
                alt.Tooltip("series:N", title="Series"),
                alt.Tooltip("when:N", title=f"Time ({period.zone})"),
                alt.Tooltip("spend:N", title="Spend"),
                alt.Tooltip("calls:N", title="Calls"),
            ],
        )
        .add_params(alt.selection_point(name=PICK, fields=["series"], toggle=False))
    )
    return alt.LayerChart(layer=[bars, *marks], padding=NO_PADDING) if marks else bars


def latency(rows: Sequence[Row], shown: Series) -> alt.LayerChart:
    """For each key the median as a full bar and the 95th percentile as a light one behind it, from zero."""
    frame, colours = _latency_frame(rows), [shown.colour(row["key"]) for row in rows]
    unit = "milliseconds" if frame["p95"].max() < _SECOND_MS else "seconds"
    scale = 1 if unit == "milliseconds" else _SECOND_MS
    frame = frame.assign(p50=frame["p50"] / scale, p95=frame["p95"] / scale)
    base = alt.Chart(frame, height=_ROW_HEIGHT * len(frame) + 30).encode(
        y=alt.Y("key:N", sort=None, axis=axis("model", grid=False, labelLimit=170)),
        color=alt.Color("key:N", scale=alt.Scale(domain=list(frame["key"]), range=colours), legend=None),
        tooltip=[
            alt.Tooltip("key:N", title="Key"),
            alt.Tooltip("p50_said:N", title="Median"),
            alt.Tooltip("p95_said:N", title="95th percentile"),
            alt.Tooltip("calls:N", title="Answered"),
        ],
    )
    x = alt.X("p95:Q", axis=axis(f"{unit}: median, 95th percentile", tickCount=5))
    return alt.LayerChart(
        layer=[
            base.mark_bar(size=14, opacity=_RUNNING_OPACITY, cornerRadiusEnd=1).encode(x=x),
            base.mark_bar(size=14, cornerRadiusEnd=1).encode(x=alt.X("p50:Q")),
        ],
        padding=NO_PADDING,
    )


def _latency_frame(rows: Sequence[Row]) -> pd.DataFrame:
    frame: pd.DataFrame = pd.DataFrame(
        {
            "key": name,
            "p50": row["p50_ms"],
            "p95": row["p95_ms"],
            "p50_said": duration(row["p50_ms"]),
            "p95_said": duration(row["p95_ms"]),
            "calls": counted(row["calls"], "call"),
        }
        for name, row in zip(distinct([row["key"] for row in rows]), rows, strict=True)
    )
    return frame


def _spend_frame(rows: Sequence[Row], period: Period, shown: Series) -> pd.DataFrame:
    """One line for each bucket and series that has calls; Decimal is summed first and becomes pixels last."""
    spend: dict[tuple[datetime, str], Decimal] = defaultdict(Decimal)
    calls: dict[tuple[datetime, str], int] = defaultdict(int)
    first = period.floor(period.start)
    for row in rows:
        # A key that came after the ranking was asked for is among the others until the next redraw.
        place = max(period.floor(row["bucket"]), first), shown.leading.get(row["key"], shown.others or "other")
        spend[place] += row["cost_usd"] or 0
        calls[place] += row["calls"]
    ranks = {name: rank for rank, name in enumerate(shown.names)}
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "when": bucket_said(bucket, period),
                "series": name,
                "rank": ranks.get(name, len(ranks)),
                "dollars": float(dollars),
                "spend": money(dollars),
                "calls": counted(calls[bucket, name], "call"),
                "running": bucket <= period.now < period.following(bucket),
            }
            for (bucket, name), dollars in sorted(spend.items())
        ],
        columns=["when", "series", "rank", "dollars", "spend", "calls", "running"],
    )
    return frame


def bucket_said(bucket: datetime, period: Period) -> str:
    local = bucket.astimezone(period.zone)
    return local.strftime("%a %d %b") if period.bucket == "day" else local.strftime("%d %b %H:%M")


def bucket_axis(period: Period) -> alt.X:
    """Bands, not a time scale: Vega knows only UTC and the browser's zone, and a band keeps its place when empty."""
    buckets = [bucket_said(bucket, period) for bucket in period.buckets()]
    # Of an hour only the time is written: the date would not fit, and is in the tooltip.
    text = "datum.label" if period.bucket == "day" else "slice(datum.label, -5)"
    title = f"{period.bucket}, {period.zone}"
    drawn = axis(title, grid=False, labelAngle=0, labelOverlap="greedy", labelExpr=text, labelFlush=False)
    return alt.X("when:O", scale=alt.Scale(domain=buckets, paddingInner=0.18), axis=drawn)


def series_colour(shown: Series, offset: int = _ABOVE_BARS) -> alt.Color:
    scale = alt.Scale(domain=shown.names, range=list(shown.colours))
    legend = alt.Legend(
        title=None,
        orient="top",
        labelLimit=130,
        symbolType="square",
        columns=alt.ExprRef(_LEGEND_COLUMNS),
        offset=offset,
        padding=0,
    )
    return alt.Color("series:N", scale=scale, legend=legend)


def _dollar_ticks(frame: pd.DataFrame) -> str:
    """Enough digits to tell ticks apart, whether a day costs a fraction of a cent or thousands."""
    tallest = float(frame.groupby("when")["dollars"].sum().max()) if len(frame) else 1.0
    return "$,.0f" if tallest >= 10 else "$,.2f" if tallest >= 10 * _CENT else "$,.2~r"  # noqa: PLR2004 - ten ticks' worth


def axis(title: str | None, **options: Any) -> alt.Axis:
    return alt.Axis(title=title, domain=False, ticks=False, labelPadding=6, titleFontWeight="normal", **options)
