"""A picture of the prompts of one place: blocks that every call begins with, those that vary, and volatile text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd

from spanledger_dashboard import charts
from spanledger_dashboard.format import share
from spanledger_dashboard.palette import GREEN, GREY, VERMILLION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_dashboard.cache import Row

_DIGITS: Final = 12  # of a block's hash, in hex
_STABLE: Final = 0.5  # of the calls share the prefix up to here
_MOST_BLOCKS: Final = 400
_COLOURS: Final = {"shared as sent": GREEN, "shared but for volatile text": VERMILLION, "different in each call": GREY}


def shared(chains: Sequence[str]) -> list[float]:
    """For each block position the share of calls whose prefix up to there is the most common one."""
    longest = max((len(chain) for chain in chains), default=0) // _DIGITS
    shares = []
    for end in range(_DIGITS, min(longest, _MOST_BLOCKS) * _DIGITS + 1, _DIGITS):
        # A block's hash covers the text from the start: equal hashes are equal prefixes.
        ends = Counter(chain[end - _DIGITS : end] for chain in chains if len(chain) >= end)
        shares.append(max(ends.values()) / len(chains))
    return shares


def stretches(calls: Sequence[Row]) -> list[Row]:
    """Blocks from the prompt's start: where in characters, how many calls share them, and what they are."""
    exact = shared([call["blocks"] for call in calls])
    masked = shared([call["masked_blocks"] for call in calls])
    size = calls[0]["block_chars"]
    return [
        {
            "start": number * size,
            "end": (number + 1) * size,
            "exact": exact[number] if number < len(exact) else 0.0,
            "masked": masked[number] if number < len(masked) else 0.0,
        }
        for number in range(max(len(exact), len(masked)))
    ]


def kind(stretch: Row) -> str:
    """Which of the three a stretch is."""
    same, volatile, different = _COLOURS
    if stretch["exact"] >= _STABLE:
        return same
    return volatile if stretch["masked"] >= _STABLE else different


def picture(found: Sequence[Row]) -> alt.Chart:
    """A bar for each block at its place in the prompt, as high as the share of calls that have it in common."""
    frame = pd.DataFrame([_bar(stretch) for stretch in found])
    scale = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    legend = alt.Legend(title=None, orient="top", labelLimit=240, symbolType="square")
    drawn: alt.Chart = (
        alt.Chart(frame, height=260, padding=charts.NO_PADDING)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("start:Q", axis=charts.axis("characters from the prompt's start", grid=False, tickCount=8)),
            x2=alt.X2("end:Q"),
            y=alt.Y(
                "share:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=charts.axis("calls in common", format=".0%", tickCount=4),
            ),
            y2=alt.Y2("zero:Q"),
            color=alt.Color("kind:N", scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip(f"{name}:N", title=name) for name in ("from", "kind", "as sent", "volatile text blanked")
            ],
        )
    )
    return drawn


def _bar(stretch: Row) -> dict[str, Any]:
    found = kind(stretch)
    return {
        "start": stretch["start"],
        "end": stretch["end"],
        "share": max(stretch["exact"], stretch["masked"]),
        "zero": 0.0,
        "kind": found,
        "from": f"{stretch['start']:,} to {stretch['end']:,}",
        "as sent": share(stretch["exact"]),
        "volatile text blanked": share(stretch["masked"]),
    }
