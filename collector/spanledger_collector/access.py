"""Who may talk to a listener: everybody on this machine, or whoever shows a token of the right scope."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

Right = Literal["ingest", "read", "admin"]
Verdict = Literal["allowed", "unknown", "other_scope"]
OPEN_PATHS: Final = frozenset({"/healthz"})
RIGHTS: Final = "spanledger.rights"  # in the scope of a request that showed a token: what the token opens
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
VARIABLES: Final[Mapping[Right, str]] = {
    "ingest": "SPANLEDGER_INGEST_TOKEN",
    "read": "SPANLEDGER_READ_TOKEN",
    "admin": "SPANLEDGER_ADMIN_TOKEN",
}
DENIED: Final = "a bearer token is needed: send 'Authorization: Bearer <the collector's SPANLEDGER_TOKEN>'"
OTHER_SCOPE: Final = (
    "this token is not one for '{right}': show that of {variable}, SPANLEDGER_ADMIN_TOKEN or SPANLEDGER_TOKEN"
)

# A web page can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then still sends that name.
STRANGE_HOST: Final = (
    "this listener without a token answers to localhost and 127.0.0.1 only, not to {host!r}: use one of them, or set "
    "SPANLEDGER_TOKEN and show it"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Secrets by what they open. Several of one kind are separated by commas: that is how one is replaced by another.

    `everything` and `admin` open all; `ingest` opens the OTLP listeners alone; `read` opens what changes nothing.
    """

    everything: str = field(default="", repr=False)
    ingest: str = field(default="", repr=False)
    read: str = field(default="", repr=False)
    admin: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Tokens:
        named = {right: environ.get(variable, "") for right, variable in VARIABLES.items()}
        return cls(environ.get("SPANLEDGER_TOKEN", ""), **named)

    def __bool__(self) -> bool:
        return any((self.everything, self.ingest, self.read, self.admin))

    def covers(self, right: Right) -> bool:
        """Whether there is a token at all that opens `right`."""
        return any(self._opening(right))

    def judge(self, authorization: str, right: Right) -> Verdict:
        """What an Authorization header opens; without any token everybody is let in.

        Every comparison takes as long for a nearly right token as for a wrong one, and all of them are made.
        """
        if not self:
            return "allowed"
        scheme, _, shown = authorization.partition(" ")
        given = shown.strip().encode() if scheme.lower() == "bearer" else b""
        if _any_is(given, self._opening(right)):
            return "allowed"
        others: tuple[Right, ...] = ("ingest", "read", "admin")
        return "other_scope" if any(_any_is(given, self._opening(other)) for other in others) else "unknown"

    def rights(self, authorization: str) -> list[Right]:
        """All that an Authorization header opens."""
        every: tuple[Right, ...] = ("ingest", "read", "admin")
        return [right for right in every if self.judge(authorization, right) == "allowed"]

    def _opening(self, right: Right) -> list[str]:
        own = {"ingest": self.ingest, "read": self.read, "admin": ""}[right]
        lists = (self.everything, self.admin, own)
        return [token.strip() for each in lists for token in each.split(",") if token.strip()]


def _any_is(given: bytes, tokens: list[str]) -> bool:
    same = [hmac.compare_digest(given, token.encode()) for token in tokens]
    return any(same)


NO_TOKENS: Final = Tokens()


def told(verdict: Verdict, right: Right) -> str:
    """What a sender or reader who is not let in is to do."""
    return DENIED if verdict == "unknown" else OTHER_SCOPE.format(right=right, variable=VARIABLES[right])


def guarded(app: ASGIApp, tokens: Tokens, right: Right | None = None) -> ASGIApp:
    """`app`, answering 401 without a token, 403 for one of another scope and, where there is none, 403 to hosts that
    are not this machine. `right` is what every request needs; None: reading needs `read`, anything else `admin`.

    OPEN_PATHS stay open.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await app(scope, receive, send)
        elif tokens:
            needed: Right = right or ("read" if scope["method"] in READING else "admin")
            shown = _header(scope, b"authorization")
            verdict = tokens.judge(shown, needed)
            granted = {**scope, RIGHTS: tokens.rights(shown)}
            await (app(granted, receive, send) if verdict == "allowed" else _refuse(send, verdict, needed))
        elif is_this_machine(host := _header(scope, b"host")):
            await app(scope, receive, send)
        else:
            await _deny(send, 403, "strange_host", STRANGE_HOST.format(host=host))

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


async def _refuse(send: Send, verdict: Verdict, right: Right) -> None:
    status, code = (401, "unauthorized") if verdict == "unknown" else (403, "other_scope")
    await _deny(send, status, code, told(verdict, right))


async def _deny(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json")]
    if status == 401:  # noqa: PLR2004
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
