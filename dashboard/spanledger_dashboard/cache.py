"""What the pages have already asked. Shared by all viewers that read with one token.

The ledger's revision is part of every key: nothing is asked twice while no call arrives, and no page shows a figure
older than the newest call.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import sign_in
from spanledger_dashboard.client import ApiError, Client, Params
from spanledger_dashboard.palette import Palette

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]
_PULSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether the API answers, and since when not. ``status`` is the last one heard, however old."""

    status: Mapping[str, Any] = field(default_factory=dict)
    heard: datetime | None = None
    error: ApiError | None = None
    failing_since: datetime | None = None

    @property
    def revision(self) -> str:
        """Changes whenever a call enters the ledger: rows alone may stay equal while a rollup is merged."""
        rows = self.status.get("store", {}).get("rows")
        return f"{rows} {self.status.get('counters', {}).get('spanledger_calls_written_total')}"

    @property
    def demo(self) -> bool:
        """Whether the ledger holds made-up traffic."""
        return bool(self.status.get("demo"))


class Monitor:
    """Asks for the status at most once a second, for all viewers together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._pulse = Pulse()

    def pulse(self, client: Client) -> Pulse:
        """The state of the API now."""
        with self._lock:
            if time.monotonic() - self._asked >= _PULSE_SECONDS:
                self._pulse = _next_pulse(self._pulse, client)
                self._asked = time.monotonic()
            return self._pulse


def _next_pulse(last: Pulse, client: Client) -> Pulse:
    now = datetime.now(timezone.utc)
    try:
        return Pulse(status=client.status(), heard=now)
    except ApiError as error:
        return replace(last, error=error, failing_since=last.failing_since or now)


@st.cache_resource(max_entries=64, show_spinner=False)
def _monitor(token: str | None) -> Monitor:  # noqa: ARG001 - one for each token
    return Monitor()


def pulse() -> Pulse:
    """The state of the API, at most a second old."""
    return _monitor(sign_in.viewer().token).pulse(sign_in.client())


def rows(query: str, params: Params = ()) -> list[Row]:
    """A named query's rows: money as Decimal or None, times aware. Raises ApiError."""
    return _rows(query, params, pulse().revision, sign_in.viewer().token)


@st.cache_data(ttl="5m", max_entries=500, show_spinner=False)
def _rows(query: str, params: Params, revision: str, token: str | None) -> list[Row]:  # noqa: ARG001 - in the key
    return sign_in.client().table(query, params).to_pylist()


def told(path: str, params: Params = ()) -> Any:
    """A JSON answer below /api/v1, at most a minute old: these take the ledger seconds. Raises ApiError."""
    return _told(path, params, sign_in.viewer().token)


@st.cache_data(ttl="1m", max_entries=100, show_spinner="Asking the ledger ...")
def _told(path: str, params: Params, token: str | None) -> Any:  # noqa: ARG001 - the token is in the key
    return sign_in.client().told(path, params)


def act(method: str, path: str, body: Mapping[str, Any] | None = None, patience_s: float = 30) -> Any:
    """Change something in the ledger; what was asked before is asked again. Raises ApiError."""
    if not sign_in.may_change():
        raise ApiError("refused", "Changing the ledger needs the admin role.")
    answer = sign_in.client().act(method, path, body or {}, patience_s)
    forget()
    return answer


def forget() -> None:
    """Ask everything again."""
    _rows.clear()
    _told.clear()


@st.cache_resource(max_entries=32, show_spinner=False)
def palette(dimension: str) -> Palette:  # noqa: ARG001 - one palette for each dimension
    """Which colour a key of this dimension has, on every chart of every page."""
    return Palette()
