"""Who may talk to a listener: everybody on this machine, or whoever shows the token."""

from __future__ import annotations

import hmac
import json
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS: Final = frozenset({"/healthz"})
DENIED: Final = "a bearer token is needed: send 'Authorization: Bearer <the collector's SPANLEDGER_TOKEN>'"

# A web page can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then still sends that name.
STRANGE_HOST: Final = (
    "this listener without a token answers to localhost and 127.0.0.1 only, not to {host!r}: use one of them, or set "
    "SPANLEDGER_TOKEN and show it"
)


def allowed(authorization: str, token: str) -> bool:
    """Whether an Authorization header opens a listener with `token`; an empty token lets everybody in.

    The comparison takes as long for a nearly right token as for a wrong one.
    """
    if not token:
        return True
    scheme, _, shown = authorization.partition(" ")
    return hmac.compare_digest(shown.strip().encode(), token.encode()) and scheme.lower() == "bearer"


def guarded(app: ASGIApp, token: str) -> ASGIApp:
    """`app`, answering 401 without the token or, where there is none, 403 to hosts that are not this machine.

    OPEN_PATHS stay open.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await app(scope, receive, send)
        elif token and not allowed(_header(scope, b"authorization"), token):
            await _deny(send, 401, "unauthorized", DENIED)
        elif not token and not is_this_machine(host := _header(scope, b"host")):
            await _deny(send, 403, "strange_host", STRANGE_HOST.format(host=host))
        else:
            await app(scope, receive, send)

    return checked


def is_this_machine(host: str) -> bool:
    """Whether a Host header names a loopback address; an absent one does (HTTP/1.0 tools send none)."""
    name = host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name.lower() in ("", "localhost")


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


async def _deny(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json")]
    if status == 401:  # noqa: PLR2004
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
