"""Tokens that viewers showed, each behind a random id in a cookie: a new tab or a pasted link asks for none again."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Final

import streamlit as st

COOKIE: Final = "spanledger_seat"
_SEAT: Final = "seat"
_SECONDS: Final = 12 * 3600
_MOST: Final = 1000


class Seats:
    """Seat id to token, for half a day. The token itself never returns to the browser."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[str, float]] = {}

    def take(self, token: str) -> str:
        seat = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            kept = [(each, held) for each, held in self._taken.items() if held[1] > now][-_MOST:]
            self._taken = dict(kept) | {seat: (token, now + _SECONDS)}
        return seat

    def token(self, seat: str) -> str | None:
        with self._lock:
            token, until = self._taken.get(seat, (None, 0.0))
        return token if until > time.monotonic() else None

    def leave(self, seat: str) -> None:
        with self._lock:
            self._taken.pop(seat, None)


@st.cache_resource(show_spinner=False)
def _seats() -> Seats:
    return Seats()


def take(token: str) -> None:
    st.session_state[_SEAT] = _seats().take(token)


def token() -> str | None:
    """Of this viewer, by the session or by the cookie; None for somebody new."""
    seat = _seat()
    return _seats().token(seat) if seat else None


def leave() -> None:
    """Forget the token; the cookie then means nothing."""
    if seat := _seat():
        _seats().leave(seat)
    st.session_state.pop(_SEAT, None)


def _seat() -> str:
    return str(st.session_state.get(_SEAT) or st.context.cookies.get(COOKIE, ""))


def remember() -> None:
    """Set the cookie. The id is ours and of URL-safe letters; nothing a viewer sent is in the script."""
    seat = _seat()
    if not seat or st.context.cookies.get(COOKIE) == seat:
        return
    cookie = f"{COOKIE}={seat}; path=/; max-age={_SECONDS}; samesite=strict"
    script = f"document.cookie = '{cookie}' + (location.protocol === 'https:' ? '; secure' : '')"
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
