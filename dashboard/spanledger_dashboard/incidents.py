"""Incidents as cards: what was seen, what was expected, by which rule, and who was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import streamlit as st

from spanledger_dashboard import cards, filters, listing, responding, sign_in, tables
from spanledger_dashboard.format import counted, label, moment, money, quoted, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_dashboard.cache import Row
    from spanledger_dashboard.period import Period

_SEARCHED: Final = ("user", "conversation", "call_site")  # labels that the search of the Calls page knows


def sentence(current: Sequence[Row], past: Sequence[Row], failed: int, said: str) -> str:
    """What is on now, what was, and whether it was told."""
    lost = f" {counted(failed, 'notification')} could not be delivered." if failed else ""
    ended = f"{counted(len(past), 'incident')} ended {said}."
    if not current:
        return f"No alert is on. {ended}{lost}"
    first = current[0]
    where = quoted(place(first) or "all calls", 120)
    on = f"{counted(len(current), 'alert')} {'is' if len(current) == 1 else 'are'} on"
    return f"{on}: {quoted(first['rule'])} at {where}. {ended}{lost}"


def card(row: Row, period: Period, mute: Mapping[str, Any] | None) -> None:
    """Names come from spans: drawn as plain text, never as markup."""
    with st.container(border=True):
        left, right = st.columns([4, 1])
        with left:
            with st.container(key=f"finding-title-{row['fingerprint']}-{row['since'].timestamp():.0f}"):
                st.text(f"{label(row['rule'], 80)} · {row['state']} · {label(place(row) or 'all calls', 200)}")
            st.text(label(row["summary"], 500))
            st.text(_when(row, period))
        with right:
            st.text(f"seen {number(row['seen'], row['unit'])}\nexpected {number(row['expected'], row['unit'])}")
            if row["cost_usd"] is not None:
                st.text(f"cost since {money(row['cost_usd'])}")
        responding.marks(row, mute, period)
        if row["basis"]:
            st.text(f"Rule: {label(row['basis'], 300)}.")
        with st.container(horizontal=True, gap="small"):
            st.link_button("Calls", calls(row), icon=":material/list:", type="tertiary")
            for number_of, trace_id in enumerate(row["trace_ids"][:3], 1):
                link = f"trace?trace_id={trace_id}"
                st.link_button(f"Trace {number_of}", link, icon=":material/account_tree:", type="tertiary")
            if row["runbook_url"].startswith("https://"):
                st.link_button("Runbook", row["runbook_url"], icon=":material/menu_book:", type="tertiary")
            if sign_in.only_admins("Acknowledging and silencing"):
                responding.actions(row, muted=mute is not None)


def number(value: float | None, unit: str) -> str:
    """A rule's figure with its unit; a share as percent."""
    if value is None:
        return "unknown"
    return share(value) if unit in ("share", "ratio") and 0 <= value <= 1 else f"{value:,.4g} {label(unit, 30)}".strip()


def history(rows: Sequence[Row], period: Period) -> None:
    """Incidents that ended."""
    with cards.card("Past incidents", "Newest first.") as controls:
        shown = [row | {"place": place(row) or "all calls"} for row in rows]
        times = {"Began": ("since", "time"), "Ended": ("resolved_at", "time")}
        rest = {"What was seen": ("summary", "wide"), "Trace": ("trace_ids", "trace")}
        listing.draw(shown, {"Rule": ("rule", "text"), "Place": ("place", "text")} | times | rest, period.zone)
        tables.download([row | {"labels": dict(row["labels"])} for row in rows], "incidents", controls)


def told(rows: Sequence[Row], period: Period) -> None:
    """Every delivery that was tried."""
    with cards.card("Notifications", "Each delivery that was tried, and what the receiver answered.") as controls:
        if not rows:
            st.markdown("No notification was sent in this time.")
            return
        shown = [row | {"result": "delivered" if row["ok"] else "failed"} for row in rows]
        fields = {"By": ("notifier", "text"), "State": ("state", "text"), "Result": ("result", "text")}
        listing.draw(shown, {"Sent": ("sent", "time")} | fields | {"Answer": ("detail", "wide")}, period.zone)
        tables.download(rows, "notifications", controls)


def _when(row: Row, period: Period) -> str:
    began = f"since {moment(row['since'], period.zone, period.now)} {period.zone}"
    return f"{began}, {counted(row['calls'], 'call')}, window {row['window_minutes'] or 'unknown'} min"


def calls(row: Mapping[str, Any]) -> str:
    """The page of the calls that an alert speaks of, as far as its labels tell."""
    labels = {name: value for name, value in dict(row["labels"]).items() if value}
    asked = {name: value for name, value in labels.items() if name in filters.DIMENSIONS}
    searched = {name: labels[name] for name in _SEARCHED if name in labels}
    terms = [f'{name}="{value}"' for name, value in searched.items() if not set(value) & {'"', "\\"}]
    return f"calls?{urlencode(asked | ({'q': ' '.join(terms)} if terms else {}))}"


def place(row: Mapping[str, Any]) -> str:
    """Service first, the calling line by its last folder and file."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in _named(row))


def in_short(row: Mapping[str, Any]) -> str:
    """The same for a narrow cell: names alone."""
    return " · ".join(value for _, value in _named(row))


def _named(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    labels = {name: "/".join(value.split("/")[-2:]) for name, value in dict(row["labels"]).items() if value}
    return sorted(labels.items(), key=lambda each: (each[0] != "service", each[0]))
