"""The bar on top of every page: which calls, which time. Its state lives in the URL, so a link is a view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from spanledger_dashboard import cache, period
from spanledger_dashboard.format import NBSP

if TYPE_CHECKING:
    from spanledger_dashboard.client import Params
    from spanledger_dashboard.period import Period

DIMENSIONS: Final = ("service", "model", "provider", "environment", "feature", "team")
CUSTOM: Final = "Custom days"
PREVIOUS, WEEK, NOTHING = "Previous period", "Same time last week", "Nothing"
_DEFAULT_RANGE: Final = "Last 7 days"
_RANGES: Final[tuple[str, ...]] = (*period.RANGES, CUSTOM)
_COMPARISONS: Final[tuple[str, ...]] = (PREVIOUS, WEEK, NOTHING)


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reader has chosen: one answer to which calls and when, for every card of a page."""

    period: Period
    names: Params
    earlier: Selection | None = None  # the same calls in the period compared with

    def params(self, **more: str) -> Params:
        """Query parameters for these calls in this time, and more of one's own."""
        return self.between(self.period.start, self.period.end, **more)

    def between(self, start: datetime, end: datetime, **more: str) -> Params:
        """The same of another stretch of time."""
        edges = (("from", _rfc3339(start)), ("to", _rfc3339(end)))
        return (*edges, *self.names, *more.items())


def bar() -> Selection:
    """Draw the bar and say what is chosen. Raises ApiError when the ledger cannot be asked for its names."""
    with st.container(horizontal=True, wrap=False, gap="xsmall", key="filters"):
        chosen_period = _time()
        compared = _compare(chosen_period)
        chosen = tuple((d, value) for d in DIMENSIONS for value in _dimension(d, chosen_period))
        if chosen:
            st.button("Clear", type="tertiary", icon=":material/close:", on_click=clear)
    return Selection(chosen_period, chosen, Selection(compared, chosen) if compared else None)


def clear() -> None:
    """Show every call again; the time stays."""
    for dimension in DIMENSIONS:
        st.session_state[dimension] = []


def only(dimension: str, value: str | None) -> None:
    """Narrow the page to one key of a dimension; None leaves it as it is."""
    if value:
        st.session_state[dimension] = [value]


def _time() -> Period:
    label = f"{_state('range', _DEFAULT_RANGE)} · {_state('zone', 'UTC')}"
    with st.popover(label, icon=":material/schedule:", key="time-filter"):
        choice = _choice("Time", _RANGES, "range", _DEFAULT_RANGE)
        zone = ZoneInfo(_choice("Time zone", zones(), "zone"))
        now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
        if choice == CUSTOM:
            return period.custom(*_days(now.astimezone(zone).date()), now, zone)
        return period.RANGES[choice](now, zone)


def _choice(label: str, options: tuple[str, ...], key: str, default: str | None = None) -> str:
    index = options.index(default or options[0])
    # typing.Never in Streamlit's overloads is Any to a checker of Python 3.10, and then the first one wins: None.
    chosen: Any = st.selectbox(label, options, index, key=key, bind="query-params")
    assert isinstance(chosen, str)
    return chosen


def zones() -> tuple[str, ...]:
    """UTC, what the reader's browser lives in, and what the link says."""
    wanted = (st.context.timezone or "UTC", _state("zone", "UTC"))
    return tuple(dict.fromkeys(("UTC", *(name for name in wanted if _known(name)))))


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # a browser knows zones this machine does not; a link, anything
        return False
    return True


def _days(today: date) -> tuple[date, date]:
    week = (today - timedelta(days=6), today)
    days = st.date_input("Days, both included", week, max_value=today, key="days", bind="query-params")
    return (days[0], days[-1]) if isinstance(days, tuple) and days else week


def _compare(chosen: Period) -> Period | None:
    with st.popover(f"vs {_state('compare', PREVIOUS).lower()}", key="compare-filter"):
        choice = _choice("Compare with", _COMPARISONS, "compare")
    if choice == NOTHING:
        return None
    return chosen.week_before() if choice == WEEK else chosen.before()


def _dimension(dimension: str, chosen: Period) -> list[str]:
    picked = st.session_state.get(dimension) or st.query_params.get_all(dimension)
    label = f"{dimension.capitalize()}{NBSP}· {len(picked)}" if picked else dimension.capitalize()
    with st.popover(label, type="primary" if picked else "secondary", key=f"{dimension}-filter"):
        return st.multiselect(
            dimension.capitalize(),
            _names(dimension, chosen),
            key=dimension,
            bind="query-params",
            placeholder=f"Every {dimension}",
            # A bookmarked name that has no calls in this period must stay chosen, not silently widen the view.
            accept_new_options=True,
        )


def _names(dimension: str, chosen: Period) -> list[str]:
    rows = cache.names("names", Selection(chosen, ()).params())
    return [row["name"] for row in rows if row["dimension"] == dimension]


def _state(key: str, default: str) -> str:
    return str(st.session_state.get(key) or st.query_params.get(key, default))


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
