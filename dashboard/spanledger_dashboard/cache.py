"""What the pages have already asked. Shared by all viewers that read with one token.

The ledger's revision is part of every key: nothing is asked twice while no call arrives, and no page shows a figure
that was older than the newest call by more than five seconds. Where calls arrive all the time, that is what lets ten
viewers ask once.
"""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from spanledger_dashboard import sign_in
from spanledger_dashboard.answers import Answers
from spanledger_dashboard.client import ApiError, Client, Params
from spanledger_dashboard.palette import Palette

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, Any]
_PULSE_SECONDS: Final = 1.0
_SETTLED_SECONDS: Final = 5.0  # for which a revision stands, once it has changed
_ROWS_SECONDS: Final = 300.0
_MINUTE: Final = 60.0
_MOST_BYTES: Final = 16_000_000  # of Arrow; the same rows take Python about five times as much


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether the API answers, and since when not. ``status`` is the last one heard, however old."""

    status: Mapping[str, Any] = field(default_factory=dict)
    heard: datetime | None = None
    error: ApiError | None = None
    failing_since: datetime | None = None
    revision: str = ""  # of the ledger as pages read it
    revised: float = float("-inf")

    @property
    def demo(self) -> bool:
        """Whether the ledger holds made-up traffic."""
        return bool(self.status.get("demo"))


class Monitor:
    """Asks for the status at most once a second, for all viewers together. Only who asks waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._pulse: Pulse | None = None

    def pulse(self, client: Client) -> Pulse:
        """The state of the API now; while somebody is asking, what was heard last."""
        if not self._lock.acquire(blocking=self._pulse is None):
            assert self._pulse
            return self._pulse
        try:
            if self._pulse is None or time.monotonic() - self._asked >= _PULSE_SECONDS:
                self._pulse = _next_pulse(self._pulse or Pulse(), client)
                self._asked = time.monotonic()
            return self._pulse
        finally:
            self._lock.release()


def _next_pulse(last: Pulse, client: Client) -> Pulse:
    now = datetime.now(timezone.utc)
    try:
        return _revised(last, Pulse(status=client.status(), heard=now))
    except ApiError as error:
        return replace(last, error=error, failing_since=last.failing_since or now)


def _revised(last: Pulse, heard: Pulse) -> Pulse:
    """The first change is seen at once, those that follow it a few seconds later, together."""
    now, revision = time.monotonic(), _revision(heard.status)
    if revision == last.revision or now - last.revised < _SETTLED_SECONDS:
        return replace(heard, revision=last.revision, revised=last.revised)
    return replace(heard, revision=revision, revised=now)


def _revision(status: Mapping[str, Any]) -> str:
    """Changes whenever a call enters the ledger: rows alone may stay equal while a rollup is merged."""
    rows = status.get("store", {}).get("rows")
    return f"{rows} {status.get('counters', {}).get('spanledger_calls_written_total')}"


@st.cache_resource(show_spinner=False)
def _answers() -> Answers:
    return Answers(_MOST_BYTES)


@st.cache_resource(show_spinner=False)
def _monitors() -> Callable[[str | None], Monitor]:
    return functools.lru_cache(64)(lambda _: Monitor())


def pulse() -> Pulse:
    """The state of the API, at most a second old."""
    return _monitors()(sign_in.viewer().token).pulse(sign_in.client())


def rows(query: str, params: Params = ()) -> list[Row]:
    """A named query's rows: money as Decimal or None, times aware. Raises ApiError."""
    return _rows(query, params, pulse().revision, _ROWS_SECONDS)


def names(query: str, params: Params = ()) -> list[Row]:
    """Rows that are names to choose from: minutes old at most, whatever arrives, but asked again while there are none.

    Raises ApiError.
    """
    return _rows(query, params, "", _ROWS_SECONDS) or rows(query, params)


def _rows(query: str, params: Params, revision: str, seconds: float) -> list[Row]:
    def ask() -> tuple[list[Row], int]:
        table = client.table(query, params)
        return table.to_pylist(), table.nbytes

    client, token = sign_in.client(), sign_in.viewer().token
    found: list[Row] = _answers().get((query, params, revision, token), seconds, ask)
    return found


def told(path: str, params: Params = ()) -> Any:
    """A JSON answer below /api/v1, at most a minute old: these take the ledger seconds. Raises ApiError."""

    def ask() -> tuple[Any, int]:
        with st.spinner("Asking the ledger ..."):
            answer = client.told(path, params)
        return answer, len(str(answer))

    client, token = sign_in.client(), sign_in.viewer().token
    return _answers().get((path, params, token), _MINUTE, ask)


def act(method: str, path: str, body: Mapping[str, Any] | None = None, patience_s: float = 30) -> Any:
    """Change something in the ledger; what was asked before is asked again. Raises ApiError."""
    if not sign_in.may_change():
        raise ApiError("refused", "Changing the ledger needs the admin role.")
    answer = sign_in.client().act(method, path, body or {}, patience_s)
    forget()
    return answer


def forget() -> None:
    """Ask everything again."""
    _answers().forget()


@st.cache_resource(show_spinner=False)
def _palettes() -> Callable[[str], Palette]:
    return functools.lru_cache(32)(lambda _: Palette())


def palette(dimension: str) -> Palette:
    """Which colour a key of this dimension has, on every chart of every page."""
    return _palettes()(dimension)
