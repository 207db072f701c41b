"""Deploys in pictures: each where it was made, and those that changed for good what is usual at a place."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from spanledger_dashboard import bands, cards, charts, listing, tables
from spanledger_dashboard.format import counted, label, moment
from spanledger_dashboard.palette import GREY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.period import Period

    Told = Mapping[str, Any]

NAMES: Final = {
    "duration_ms": "latency",
    "first_chunk_ms": "first chunk",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "cache_hit_share": "cache hits",
}
_MOST_LABELS: Final = 6
_MOST_TOLD: Final = 5
_LINES, _LINE_PIXELS = 3, 13  # labels of deploys that follow each other closely stand in lines of their own
_LATE: Final = 0.6  # of the picture: from there a label would run out of it to the right


def sentence(changes: Sequence[Told]) -> str:
    """As the end of the page's own; empty where no deploy changed anything."""
    if not changes:
        return ""
    deploys = counted(len({_deploy(one) for one in changes}), "deploy")
    return f" {deploys} changed for good what is usual here."


def marks(changes: Sequence[Told], one: Told, zone: ZoneInfo) -> list[alt.Chart]:
    """Layers for the picture of a series: its own changes with their numbers, other deploys by their version."""
    if not changes or not one["points"]:
        return []
    rows = [_mark(deploy, changes, one["name"], zone) for deploy in sorted({_deploy(each) for each in changes})]
    rules: alt.Chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_rule(color=GREY, strokeWidth=1.5)
        .encode(x=alt.X("when:T"), tooltip=[alt.Tooltip("said:N", title="deploy"), alt.Tooltip("what:N")])
    )
    first, last = (bands.wall(one["points"][end]["start"], zone) for end in (0, -1))
    newest = enumerate(rows[-_MOST_LABELS:])
    return [rules, *(_label(row, line, row["when"] > first + _LATE * (last - first)) for line, row in newest)]


def _label(row: dict[str, Any], line: int, late: bool) -> alt.Chart:  # noqa: FBT001
    drawn: alt.Chart = (
        alt.Chart(pd.DataFrame([row]))
        .mark_text(align="right" if late else "left", dx=-4 if late else 4, baseline="top", color=GREY, fontSize=11)
        .encode(x=alt.X("when:T"), y=alt.value(line % _LINES * _LINE_PIXELS), text=alt.Text("label:N"))
    )
    return drawn


def on_bars(rows: Sequence[Row], period: Period) -> list[alt.Chart]:
    """Layers for bars by bucket, of the query ``deploys``: a rule in the bucket of each first call, its version above;
    of several only how many. What they are is on hover.
    """
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[charts.bucket_said(period.floor(row["first_seen"]), period)].append(row)
    if not found:
        return []
    marked = [{"when": when, **_told(some, period.zone, period.now)} for when, some in found.items()]
    named = pd.DataFrame(marked[-_MOST_LABELS:])
    of_each = alt.Tooltip("said:N", title="Deployed")
    rules: alt.Chart = (
        alt.Chart(pd.DataFrame(marked))
        .mark_rule(color=GREY, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(x=alt.X("when:O"), tooltip=[of_each])
    )
    names: alt.Chart = (
        alt.Chart(named)
        .mark_text(baseline="bottom", dy=-3, color=GREY, fontSize=11)
        .encode(x=alt.X("when:O"), y=alt.value(0), text=alt.Text("label:N"), tooltip=[of_each])
    )
    return [rules, names]


def _told(rows: Sequence[Row], zone: tzinfo, now: datetime) -> dict[str, str]:
    said = [
        f"{label(row['version'], 24)} of {label(row['service'], 40)}, {moment(row['first_seen'], zone, now)}"
        for row in rows[:_MOST_TOLD]
    ]
    said += [f"{len(rows) - _MOST_TOLD} more"] if len(rows) > _MOST_TOLD else []
    name = label(rows[0]["version"], 12) if len(rows) == 1 else f"{len(rows)} deploys"
    return {"label": name, "said": "; ".join(said)}


def _deploy(change: Told) -> tuple[str, str]:
    return change["at"], change["version"]


def _mark(deploy: tuple[str, str], changes: Sequence[Told], series: str, zone: ZoneInfo) -> dict[str, Any]:
    mine = [one for one in changes if _deploy(one) == deploy]
    own = [_moved(one) for one in mine if one["series"] == series]
    when, version = bands.wall(deploy[0], zone), label(deploy[1], 24)
    return {
        "when": when,
        "said": f"{version}, {when:%a %d %b %H:%M}",
        "label": f"{version}: {own[0]}" if own else version,
        "what": "; ".join(f"{_name(one)} of {label(one['model'], 40)} {_moved(one)}" for one in mine),
    }


def _name(change: Told) -> str:
    return NAMES.get(change["series"], label(change["series"], 40))


def _moved(change: Told) -> str:
    before, after = (bands.spoken(change[name], change["unit"]) for name in ("before", "after"))
    return f"{before} → {after}"


def table(changes: Sequence[Told], zone: ZoneInfo) -> None:
    """Newest first; nothing where there is none."""
    if not changes:
        return
    why = "A version took over, and six hours later the level was another one: told once, and usual since."
    with cards.card("What deploys changed for good", why) as controls:
        newest = sorted(changes, key=lambda one: str(one["at"]), reverse=True)
        rows = [
            {
                **one,
                "at": datetime.fromisoformat(one["at"].replace("Z", "+00:00")),
                "what": _name(one),
                **{f"{name}_said": bands.spoken(one[name], one["unit"]) for name in ("before", "after")},
            }
            for one in newest
        ]
        who = {"Deployed": ("at", "time"), "Version": ("version", "text"), "Instead of": ("version_before", "text")}
        numbers = {"Before": ("before_said", "right"), "After": ("after_said", "right")}
        listing.draw(rows, who | {"Model": ("model", "text"), "What": ("what", "text")} | numbers, zone, most_rows=6)
        tables.download([dict(one) for one in newest], "deploy-changes", controls)
