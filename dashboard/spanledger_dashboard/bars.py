"""Charts that several pages draw: a quantity over time by series, and places ranked by one. Rows in, Altair out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from spanledger_dashboard import charts
from spanledger_dashboard.palette import BLUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from spanledger_dashboard.charts import Series
    from spanledger_dashboard.period import Period

    Point = tuple[datetime, str, float, str]  # bucket, key, value, the value as said

_ROW_PIXELS: Final = 30
_SCALE_PIXELS: Final = 40
_SHADE: Final = 0.45


def over_time(points: Iterable[Point], period: Period, shown: Series, unit: str, *, ticks: str = ",.0f") -> alt.Chart:
    """Stacked bars; buckets without any keep their place."""
    columns = ["when", "series", "value", "said", "running"]
    frame = pd.DataFrame([_point(point, period, shown) for point in points], columns=columns)
    bars: alt.Chart = (
        alt.Chart(frame, height=charts.HEIGHT, padding=charts.NO_PADDING)
        .mark_bar(cornerRadiusEnd=1)
        .encode(
            x=charts.bucket_axis(period),
            y=alt.Y("sum(value):Q", axis=charts.axis(unit, format=ticks, tickCount=5), stack="zero"),
            color=charts.series_colour(shown),
            detail=alt.Detail("running:N"),  # what is not grouped by is gone from a sum
            opacity=alt.OpacityValue(1, condition={"test": "datum.running", "value": _SHADE}),
            tooltip=[alt.Tooltip("series:N"), alt.Tooltip("when:N", title=str(period.zone)), alt.Tooltip("said:N")],
        )
    )
    return bars


def _point(point: Point, period: Period, shown: Series) -> dict[str, Any]:
    bucket, key, value, said = point
    floor = max(period.floor(bucket), period.floor(period.start))
    return {
        "when": charts.bucket_said(floor, period),
        "series": shown.leading.get(key, shown.others or "other"),
        "value": value,
        "said": said,
        "running": floor <= period.now < period.following(floor),
    }


def ranked(rows: Sequence[tuple[str, float, str]], unit: str, ticks: str = ",.0f") -> alt.Chart:
    """One horizontal bar from zero for each (name, value, the value as said), in the order given."""
    names = charts.distinct([name for name, _, _ in rows])
    frame = pd.DataFrame(
        [{"name": name, "value": row[1], "said": row[2]} for name, row in zip(names, rows, strict=True)]
    )
    base = alt.Chart(frame, height=_ROW_PIXELS * len(rows) + _SCALE_PIXELS, padding=charts.NO_PADDING)
    bars: alt.Chart = base.mark_bar(size=14, cornerRadiusEnd=1, color=BLUE).encode(
        x=alt.X("value:Q", axis=charts.axis(unit, format=ticks, tickCount=5)),
        y=alt.Y("name:N", sort=None, axis=charts.axis(None, grid=False, labelLimit=220)),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("said:N")],
    )
    return bars
