"""Who may talk to a listener: everybody on loopback, or whoever shows the token."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS: Final = frozenset({"/healthz"})
DENIED: Final = "a bearer token is needed: send 'Authorization: Bearer <the collector's SPANLEDGER_TOKEN>'"


def allowed(authorization: str, token: str) -> bool:
    """Whether an Authorization header opens a listener with `token`; an empty token lets everybody in.

    The comparison takes as long for a nearly right token as for a wrong one.
    """
    if not token:
        return True
    scheme, _, shown = authorization.partition(" ")
    return hmac.compare_digest(shown.strip().encode(), token.encode()) and scheme.lower() == "bearer"


def guarded(app: ASGIApp, token: str) -> ASGIApp:
    """`app`, answering 401 without the token; OPEN_PATHS stay open."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS and not allowed(_authorization(scope), token):
            await _deny(send)
        else:
            await app(scope, receive, send)

    return checked if token else app


def _authorization(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")


async def _deny(send: Send) -> None:
    body = json.dumps({"error": {"code": "unauthorized", "message": DENIED}}).encode()
    headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
