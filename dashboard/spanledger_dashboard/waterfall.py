"""A trace's spans on a time axis: rows of the query ``trace`` in, a chart, a table and their attributes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from spanledger_dashboard import tables
from spanledger_dashboard.format import UNKNOWN, duration, label, money
from spanledger_dashboard.palette import GREY, SERIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from streamlit.delta_generator import DeltaGenerator

    from spanledger_dashboard.cache import Row

_ROW_PIXELS: Final = 28
_AXES_PIXELS: Final = 110  # the legend above, the scale below
_BILLED, _ERROR, _REQUEST = "billed call", "failed", "repeated request"
_SECOND_MS: Final = 1_000
_LONGEST_S: Final = 86_400.0
_KINDS: Final = {_BILLED: SERIES[0], _ERROR: "#d55e00", _REQUEST: SERIES[1], "other span": GREY}
_ATTEMPTS: Final = ("spanledger.attempt.statuses", "spanledger.attempt.waits", "spanledger.attempt.durations")


def in_order(spans: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """Depth and span, parents before children, siblings by start; a span whose parent is elsewhere is a root."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[Row]] = {}
    for span in spans:
        parent = span["parent_span_id"]
        children.setdefault(parent if parent in known and parent != span["span_id"] else "", []).append(span)
    seen: set[str] = set()
    waiting = [(0, span) for span in reversed(children.get("", []))]
    while waiting:
        depth, span = waiting.pop()
        if span["span_id"] not in seen:
            seen.add(span["span_id"])
            yield depth, span
            waiting += [(depth + 1, child) for child in reversed(children.get(span["span_id"], []))]


def start_ms(span: Row, spans: Sequence[Row]) -> float:
    """Since the trace began."""
    return float((span["start"] - min(each["start"] for each in spans)).total_seconds() * 1000)


def end_ms(span: Row, spans: Sequence[Row]) -> float:
    return start_ms(span, spans) + float(span["duration_ms"])


def chart(spans: Sequence[Row]) -> alt.LayerChart:
    """One bar for each span in the trace's order, or one for each of its requests; the cost stands at its end."""
    ordered = list(in_order(spans))
    bars = pd.DataFrame(
        [bar for number, (depth, span) in enumerate(ordered) for bar in _bars(number, depth, span, spans)]
    )
    scale = alt.Scale(domain=list(_KINDS), range=list(_KINDS.values()))
    base = alt.Chart(bars, height=len(ordered) * _ROW_PIXELS + _AXES_PIXELS).encode(
        y=alt.Y("row:O", sort=None, axis=alt.Axis(title=None, labelExpr="split(datum.label, '\\t')[1]", labelLimit=280))
    )
    drawn = base.mark_bar(height=12, cornerRadius=2).encode(
        x=alt.X("start:Q", axis=alt.Axis(title="milliseconds since the trace began", tickCount=6)),
        x2=alt.X2("end:Q"),
        color=alt.Color("kind:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
        tooltip=[alt.Tooltip(f"{name}:N", title=name.capitalize()) for name in ("name", "service", "took", "cost")],
    )
    paid = base.mark_text(align="left", dx=6, color=GREY).encode(x=alt.X("end:Q"), text=alt.Text("paid:N"))
    return alt.LayerChart(layer=[drawn, paid])


def _bars(number: int, depth: int, span: Row, spans: Sequence[Row]) -> list[dict[str, Any]]:
    name = label(span["name"], 48)
    kind = _ERROR if span["status"] == "error" else _BILLED if span["cost_grade"] else "other span"
    told = {
        "row": f"{number:04}\t{'  ' * depth}{name}",
        "kind": kind,
        "name": name,
        "service": label(span["service"]),
        "took": duration(span["duration_ms"]),
        "cost": cost(span),
        "paid": "",
    }
    first, end = start_ms(span, spans), end_ms(span, spans)
    parts = [told | {"start": first + begin, "end": min(first + begin + length, end), **about}
             for begin, length, about in _requests(span)]  # fmt: skip
    parts = parts or [told | {"start": first, "end": end}]
    return [*parts[:-1], parts[-1] | {"end": end, "kind": kind, "paid": cost(span)}]


def _requests(span: Row) -> Iterator[tuple[float, float, dict[str, str]]]:
    """Start since the call began and length in milliseconds of each request, where there was more than one; nothing
    where the lists do not fit one another, since anybody may send them.
    """
    statuses, waits, lengths = (_numbers(span, name) for name in _ATTEMPTS)
    if not 1 < len(statuses) == len(waits) == len(lengths):
        return
    begun = 0.0
    for status, wait, length in zip(statuses, waits, lengths, strict=True):
        took = f"{duration(length * _SECOND_MS)}, {f'status {status:.0f}' if status else 'no response'}"
        yield begun, length * _SECOND_MS, {"kind": _REQUEST, "took": took}
        begun += (length + wait) * _SECOND_MS


def _numbers(span: Row, name: str) -> list[float]:
    try:
        told = json.loads(dict(span["attributes"]).get(name, "[]"))
    except ValueError:
        return []
    numbers = told if isinstance(told, list) else []
    return [float(each) for each in numbers if isinstance(each, (int, float)) and 0 <= each < _LONGEST_S]


def cost(span: Row) -> str:
    """Of a billed call; nothing for other spans."""
    if not span["cost_grade"]:
        return ""
    return f"≈ {money(span['cost_usd'])}" if span["cost_grade"] == "modelled" else money(span["cost_usd"])


def table(spans: Sequence[Row], zone: tzinfo) -> None:
    """The same spans in words, with ids to copy."""
    rows = [
        {
            "span": f"{'  ' * depth}{label(span['name'], 60)}",
            "service": label(span["service"]),
            f"started ({zone})": span["start"].astimezone(zone).strftime("%H:%M:%S.%f")[:-3],
            "took": duration(span["duration_ms"]),
            "attempts": _attempts(span),
            "status": span["status"],
            "cost": cost(span),
            "span id": span["span_id"],
        }
        for depth, span in in_order(spans)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder=UNKNOWN)


def download(spans: Sequence[Row], place: DeltaGenerator) -> None:
    """All of them with all they carry."""
    tables.download([{**span, "attributes": dict(span["attributes"])} for span in spans], "trace", place)


def _attempts(span: Row) -> str:
    """The statuses of all requests, where there was more than one."""
    return str(dict(span["attributes"]).get(_ATTEMPTS[0], "")).strip("[]").replace(",", " → ")


def details(span: Row) -> None:
    """Every attribute, as text."""
    with st.expander(f"{span['span_id']}", icon=":material/data_object:"):
        st.text(f"{label(span['name'], 200)} · {span['kind']} · {label(span['service'])}")
        st.code(span["span_id"], language=None)
        attributes = sorted(dict(span["attributes"]).items())
        st.dataframe(pd.DataFrame(attributes, columns=["attribute", "value"]), hide_index=True, height="content")
