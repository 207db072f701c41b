"""Who reads the pages, and whether they may change the ledger: the gate in front of every page.

Chosen when the dashboard starts: ``none`` for this machine alone, ``token``, where each viewer shows a token of the
API, or ``oidc``, Streamlit's own login at an OpenID Connect provider. The API judges every request again.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import streamlit as st

from spanledger_dashboard import roles, seats
from spanledger_dashboard.answers import Answers
from spanledger_dashboard.client import API_VARIABLE, DEFAULT_API, TOKEN_VARIABLE, ApiError, Client
from spanledger_dashboard.format import label
from spanledger_dashboard.signing_in import MODE_VARIABLE, NONE, OIDC, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_VIEWER: Final = "viewer"
_WIDTH: Final = 560
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads, with which token; ``admin`` is what sign-in grants, the token may still open less."""

    name: str
    token: str | None = field(repr=False)
    admin: bool


@st.cache_resource(show_spinner=False)
def _clients() -> Callable[[str, str | None], Client]:
    return functools.lru_cache(64)(Client.at)


def client_of(url: str, token: str | None) -> Client:
    """One client and connection pool for each token."""
    return _clients()(url, token)


def client() -> Client:
    """The API, with the token that this viewer reads with."""
    return client_of(os.environ.get(API_VARIABLE, DEFAULT_API), viewer().token)


def viewer() -> Viewer:
    """Who reads this page; before the gate, nobody in particular."""
    known: Viewer | None = st.session_state.get(_VIEWER)
    return known or Viewer("", _own_token(), admin=True)


def person() -> str:
    """The name of who signed in at a provider; empty where a token was shown or nothing."""
    return viewer().name if os.environ.get(MODE_VARIABLE) == OIDC else ""


def may_change() -> bool:
    """Whether this viewer may decide, silence and set: by role, and by what the token opens. Raises ApiError."""
    return viewer().admin and "admin" in _rights(client().url, viewer().token)["rights"]


def only_admins(what: str) -> bool:
    """The same; where not, the page says who could."""
    allowed = may_change()
    if not allowed:
        st.caption(f":material/lock: {what} needs the admin role.")
    return allowed


@st.cache_resource(show_spinner=False)
def _known_rights() -> Answers:
    return Answers(most_bytes=1_000_000)


def _rights(url: str, token: str | None) -> Mapping[str, Any]:
    rights: Mapping[str, Any] = _known_rights().get((url, token), _MINUTE, lambda: (client_of(url, token).rights(), 0))
    return rights


def passed() -> bool:
    """Draw the gate unless the viewer is through it."""
    mode = os.environ.get(MODE_VARIABLE, NONE)
    found = {NONE: _nobody, TOKEN: _with_token, OIDC: _with_login}[mode]()
    st.session_state[_VIEWER] = found
    return found is not None


def footer() -> None:
    """Who is signed in, and the way out."""
    known = viewer()
    if not known.name:
        return
    if os.environ.get(MODE_VARIABLE) == TOKEN:
        seats.remember()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="account"):
        st.text(f"Signed in as {label(known.name, 80)}, {'admin' if known.admin else 'reader'}")
        st.button("Sign out", type="tertiary", icon=":material/logout:", on_click=_leave)


def _leave() -> None:
    if os.environ.get(MODE_VARIABLE) == OIDC:
        st.logout()
    else:
        seats.leave()


def _own_token() -> str | None:
    return os.environ.get(TOKEN_VARIABLE) or None


def _nobody() -> Viewer:
    return Viewer("", _own_token(), admin=True)


def _with_token() -> Viewer | None:
    token = seats.token()
    if token is None:
        _ask()
        return None
    try:
        rights = _rights(os.environ.get(API_VARIABLE, DEFAULT_API), token)["rights"]
    except ApiError as error:
        if error.trouble != "refused":  # a silent collector is told of by the page
            return Viewer("", token, admin=False)
        seats.leave()
        _ask()
        return None
    return Viewer("the holder of a token", token, admin="admin" in rights)


def _ask() -> None:
    """A form for the token; what it is good for is asked of the API."""
    with st.container(border=True, width=_WIDTH, key="sign-in"), st.form("token", border=False):
        st.markdown("#### :material/key: Sign in")
        token = st.text_input("API token", type="password", autocomplete="current-password").strip()
        st.caption("A token of the collector: SPANLEDGER_READ_TOKEN to read, SPANLEDGER_ADMIN_TOKEN to decide too.")
        if st.form_submit_button("Sign in", type="primary"):
            _take(token)


def _take(token: str) -> None:
    try:
        told = Client.at(os.environ.get(API_VARIABLE, DEFAULT_API), token).rights()
    except ApiError as error:
        st.text("That token is not one of the collector's." if error.trouble == "refused" else str(error))
        return
    if not told["token_needed"]:
        st.text("The collector asks for no token, so none can prove anything. Set SPANLEDGER_TOKEN for it.")
        return
    seats.take(token)
    st.rerun()


def _with_login() -> Viewer | None:
    claims = dict(st.user)
    if not claims.get("is_logged_in"):
        with st.container(border=True, width=_WIDTH, key="sign-in"):
            st.markdown("#### :material/key: Sign in")
            st.button("Continue to sign-in", type="primary", on_click=st.login)
        return None
    role = roles.of(claims, st.secrets["spanledger"])
    name = str(claims.get("email") or claims.get("name") or claims.get("sub"))
    if role is None:
        st.text(f"{label(name, 80)} is signed in, but may not read this ledger. Whoever runs it can name you a reader.")
        st.button("Sign out", on_click=st.logout)
        return None
    return Viewer(name, _own_token(), admin=role == roles.ADMIN)
