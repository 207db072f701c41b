"""What a page shows when it has no figures to show, and the watch that redraws it when it should."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import cache, filters
from spanledger_dashboard.client import API_VARIABLE, TOKEN_VARIABLE, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WATCH_SECONDS: Final = 2
_REDRAW_SECONDS: Final = 60  # the clock moves on even when no call arrives
_REST: Final = 2  # a page rests twice as long as it took: watching leaves a slow ledger most of its time
_WIDTH: Final = 760  # a line of text one can read
_DRAWN: Final = "drawn"
_DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the page on screen shows: the ledger's revision, None when it could not be read."""

    revision: str | None
    at: float
    took: float


def watched(draw: Callable[[], None], *, live: bool = True) -> None:
    """Draw a page under its watch; when the ledger cannot be read, say so in its place.

    One that is not live stays as it was opened, once it has been drawn.
    """
    # Before the watch: it must not judge, and redraw, what this very run is about to draw.
    st.session_state[_DRAWN] = None
    _watch(live=live)
    begun = time.monotonic()
    revision: str | None = cache.pulse().revision
    try:
        draw()
    except ApiError as error:
        revision = None
        unreadable(error)
    ended = time.monotonic()
    st.session_state[_DRAWN] = Drawn(revision, ended, ended - begun)


@st.fragment(run_every=_WATCH_SECONDS)
def _watch(*, live: bool) -> None:
    """Redraw when a call has arrived; when the API falls silent, say what still holds and leave the figures."""
    drawn: Drawn | None = st.session_state.get(_DRAWN)
    pulse = cache.pulse()
    if drawn is None:
        return
    if pulse.error and drawn.revision is not None:
        _silent(pulse)
    elif not pulse.error and (live or drawn.revision is None) and _due(drawn, pulse.revision):
        st.rerun()


def _due(drawn: Drawn, revision: str) -> bool:
    age = time.monotonic() - drawn.at
    return age > _REST * drawn.took if drawn.revision != revision else age > _REDRAW_SECONDS


def _silent(pulse: cache.Pulse) -> None:
    st.error(
        f"The collector has not answered since {_clock(pulse.failing_since)}. What you see is the ledger as of "
        f"{_clock(pulse.heard)}; calls it has acknowledged are safe, and this page catches up by itself.",
        icon=":material/cloud_off:",
    )
    st.text(str(pulse.error))


def unreadable(error: ApiError) -> None:
    """The page's place when the ledger cannot be read at all: what failed, since when, what to do, what holds."""
    pulse = cache.pulse()
    with st.container(border=True, width=_WIDTH, key="unreadable"):
        st.markdown(f"#### :material/cloud_off: {_TITLES[error.trouble]}")
        st.text(str(error))
        if pulse.failing_since:
            st.text(f"Since {_clock(pulse.failing_since)}.")
        st.markdown(_REMEDIES[error.trouble])
        st.caption("Calls the collector has acknowledged are on its disk. This page fills in as soon as it answers.")


_TITLES: Final = {
    "unreachable": "The collector does not answer",
    "refused": "The collector wants another token",
    "rejected": "The collector did not accept the question",
    "failed": "The collector failed to answer",
    "unreadable": "That is not a Spanledger collector, or not of this version",
}
_REMEDIES: Final = {
    "unreachable": f"Start it with `spanledger collect`, or give its address with `--api` or `{API_VARIABLE}`.",
    "refused": f"Set `{TOKEN_VARIABLE}` for the dashboard to a token the collector accepts, and start it again.",
    "rejected": "Clear the filters. If that does not help, dashboard and collector may be of different versions.",
    "failed": "Its log says why. Look for the time above.",
    "unreadable": f"Check the address given with `--api` or `{API_VARIABLE}`.",
}


def empty(status: Mapping[str, Any]) -> None:
    """The ledger's first minute: what will appear here, and the one line that makes it appear."""
    with st.container(border=True, width=_WIDTH, key="empty"):
        st.markdown("#### :material/bolt: No calls yet: connect the first service")
        st.markdown(
            "This page will say what every model call costs, which ones fail and what moved the bill. "
            "Run any Python service that uses OpenAI or Anthropic through Spanledger; its code stays as it is:"
        )
        st.code("pip install spanledger\n" + _run_command(status), language="bash")
        st.caption("The first call appears here within seconds; there is nothing to reload.")
        with st.expander("Other ways in", icon=":material/alt_route:"):
            _other_ways(status)


def _run_command(status: Mapping[str, Any]) -> str:
    endpoint = status.get("otlp_http") or _DEFAULT_ENDPOINT
    setting = "" if endpoint == _DEFAULT_ENDPOINT else f"SPANLEDGER_ENDPOINT={endpoint} "
    return f"{setting}spanledger run python app.py"


def _other_ways(status: Mapping[str, Any]) -> None:
    endpoint = status.get("otlp_http") or _DEFAULT_ENDPOINT
    st.markdown("A service that OpenTelemetry already instruments, or one in another language: send its spans here.")
    st.code(f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}", language="bash")
    st.markdown("No traffic of your own yet: a small fleet of made-up services, in a ledger of its own.")
    st.code("spanledger demo", language="bash")


def nothing_matches() -> None:
    """There are calls, but none in this view."""
    with st.container(border=True, width=_WIDTH, key="nothing-matches"):
        st.markdown("#### :material/filter_alt_off: No calls in this view")
        st.markdown("The ledger has calls, but none that match these filters in this time. Choose a longer time, or:")
        st.button("Clear the filters", on_click=filters.clear)


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(timezone.utc):%H:%M:%S} UTC" if moment else "the start"
