"""One place as the anomaly rules see it: each series with its expected band, what was flagged, and why."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from spanledger_dashboard import bands, cache, cards, deploys, filters, incidents, responding, sign_in, tables
from spanledger_dashboard.format import counted, label, moment, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_dashboard.cache import Row

    Told = Mapping[str, Any]

# Series by what a reader asks for: title of the card, and one line of what it shows.
SERIES: Final = {
    "cost_usd": ("Cost", "Known cost of each hour."),
    "duration_ms": ("Latency", "Typical duration of a call in each hour."),
    "failure_share": ("Failures", "Share of calls that failed in each hour."),
    "calls": ("Calls", "Calls of each hour."),
    "first_chunk_ms": ("First chunk", "Typical time to the first chunk of a stream."),
    "input_tokens": ("Input tokens", "Tokens in, for a call."),
    "output_tokens": ("Output tokens", "Tokens out, for a call."),
    "cache_hit_share": ("Cache hits", "Share of calls that read the prompt cache."),
}
FIRST: Final = ("cost_usd", "duration_ms", "failure_share")
DAYS: Final = {"Last 24 hours": 1, "Last 3 days": 3, "Last 7 days": 7, "Last 14 days": 14}
_PARTS: Final = {"calls": "calls", "tokens": "tokens a call", "cache": "cache", "price": "price", "model": "model"}
_MOVED: Final = 0.02  # less is no cause
_MOST_CARDS: Final = 8
_LATEST: Final = "50"


def bar(now: datetime) -> tuple[tuple[str, str], datetime, ZoneInfo]:
    """Which place, since when, in whose time; all of it lives in the URL."""
    with st.container(horizontal=True, gap="small", key="filters"):
        span = str(st.selectbox("Time", list(DAYS), 1, key="span", bind="query-params", width=170))
        since = now - timedelta(days=DAYS[span])
        found = places(since, now)
        names = list(found) or [""]
        place = str(st.selectbox("Place", names, key="at", bind="query-params", width=360))
        zone = str(st.selectbox("Time zone", filters.zones(), key="zone", bind="query-params", width=170))
    return found.get(place, ("", "")), since, ZoneInfo(zone)


def places(since: datetime, now: datetime) -> dict[str, tuple[str, str]]:
    """Services with their features by name: those with an alert in this time first, then by known cost."""
    edges = (("from", rfc3339(since)), ("to", rfc3339(now)))
    sums: dict[tuple[str, str], tuple[Any, int]] = {}
    for row in cache.rows("segments", edges):
        key = row["service"], row["feature"]
        cost, calls = sums.get(key, (0, 0))
        sums[key] = cost + row["cost"], calls + row["calls"]
    labels = [dict(row["labels"]) for row in cache.rows("alerts", edges)]
    told = {(each.get("service", ""), each.get("feature", "")) for each in labels}
    ranked = sorted(sums, key=lambda key: (key in told, sums[key]), reverse=True)
    return {" · ".join(label(part, 60) for part in key if part) or "(none)": key for key in ranked}


def rfc3339(time: datetime) -> str:
    whole = time.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    return whole.isoformat().replace("+00:00", "Z")


def told(place: tuple[str, str], since: datetime, now: datetime) -> Told:
    """Raises ApiError."""
    named = (("service", place[0]), *((("feature", place[1]),) if place[1] else ()))
    edges = (("from", rfc3339(since)), ("to", rfc3339(now + timedelta(hours=1))))
    answer: Told = cache.told("/alerts/anomalies", (*named, *edges))
    return answer


def sentence(found: Told, place: str) -> str:
    """What was flagged here, or that nothing was, or that it is too early to say; and what deploys changed."""
    return _flagged(found, place) + deploys.sentence(found["changes"])


def _flagged(found: Told, place: str) -> str:
    flagged = found["flagged"]
    if flagged:
        newest = flagged[-1]
        rest = f"; the newest: {quoted(newest['kind'].replace('_', ' '))}, {label(newest['summary'], 200)}"
        return f"{counted(len(flagged), 'stretch', 'stretches')} of {quoted(place, 80)} stood out{rest}."
    if found["learning"]:
        until = str(found["judged_until"])[:16].replace("T", " ")
        return (
            f"The rules are still learning from the ledger, so far up to {until} UTC: nothing is flagged before that."
        )
    return f"Nothing of {quoted(place, 80)} stands out in this time."


def told_of(found: Told) -> dict[str, Told]:
    """The series that have anything to show, by name in the order of the page."""
    by_name = {each["name"]: each for each in found["series"]}
    # While the rules learn, an empty card would say that there were no calls.
    return {
        name: by_name[name] for name in SERIES if name in by_name and (_told(by_name[name]) or not found["learning"])
    }


def series(found: Told, names: Sequence[str], zone: ZoneInfo) -> None:
    """A card for each series of these that has anything to show."""
    shown = told_of(found)
    for name in names:
        if name in shown:
            _series(shown[name], found, zone)


def _series(one: Told, found: Told, zone: ZoneInfo) -> None:
    title, why = SERIES.get(one["name"], (one["name"], ""))
    with cards.card(title, f"{why} Light: what was expected of it.") as controls:
        if not _told(one):
            st.markdown("Nothing to show: no call of this time told it.")
            return
        marks = deploys.marks(found["changes"], one, zone)
        cards.chart(bands.chart(one, found["flagged"], zone, marks), f"{title} by hour with the expected band")
        if not any(point["lower"] is not None for point in one["points"]):
            st.caption(
                "No band yet: there is too little history to expect anything, or this series is not judged by hour."
            )
        tables.download([dict(point) for point in one["points"]], f"anomaly-{one['name']}", controls)


def _told(one: Told) -> bool:
    return any(point["seen"] is not None for point in one["points"])


def flagged(found: Told, on: Mapping[str, Row], zone: ZoneInfo, now: datetime) -> None:
    """Newest first: what, since when, which part moved, the calls in it, and what one can do."""
    newest, left = found["flagged"][::-1], dict(on)
    for number, each in enumerate(newest[:_MOST_CARDS]):
        # Of one alert several stretches may be shown: what one can do about it stands at the newest.
        alert = None if each["until"] else left.pop(each["fingerprint"], None)
        with st.container(border=True):
            _flag(number, each, alert, zone, now)
    if len(newest) > _MOST_CARDS:
        st.caption(f"{len(newest) - _MOST_CARDS} older ones are in the charts, and on the page Alerts.")


def _flag(number: int, each: Told, alert: Row | None, zone: ZoneInfo, now: datetime) -> None:
    since = datetime.fromisoformat(each["since"].replace("Z", "+00:00"))
    until = datetime.fromisoformat(each["until"].replace("Z", "+00:00")) if each["until"] else None
    ended = f"until {moment(until, zone, now)}" if until else "still on"
    left, right = st.columns([3, 2])
    with left:
        with st.container(key=f"finding-title-flag-{number}"):
            st.text(f"{label(each['kind'].replace('_', ' '))}: {label(each['summary'], 300)}")
        st.text(f"Since {moment(since, zone, now)} {zone}, {ended}")
        seen, expected = (incidents.number(each[name], each["unit"]) for name in ("seen", "expected"))
        st.text(f"Seen {seen}, expected {expected}. Rule: {label(each['basis'], 200)}.")
    with right:
        if any(abs(one["ratio"] - 1) >= _MOVED for one in each["cause"]):
            parts = [(_PARTS.get(one["part"], one["part"]), one["ratio"]) for one in each["cause"]]
            cards.chart(bands.causes(parts), "Which part of the cost moved, as a multiple of what was expected")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        shows = st.toggle("Calls in it", key=f"calls-{number}")
        if alert and sign_in.only_admins("Acknowledging and silencing"):
            responding.actions(alert, muted=False)
    if shows:
        params = tuple((name, str(value)) for name, value in each["calls"]["params"].items() if value)
        tables.latest_calls(cache.rows(each["calls"]["query"], (*params, ("limit", _LATEST))), zone)
