"""One POST of JSON, and whether it is worth trying again."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from spanledger._version import __version__
from spanledger_collector.alerts.notify import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRY_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_TIMEOUT_S: Final = 10.0
_DETAIL: Final = 200  # characters of a refusal


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A followed redirect would turn the POST into a GET without a body and count it as told."""

    def redirect_request(self, *_: object) -> None:
        return


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def encoded(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None, timeout_s: float = _TIMEOUT_S) -> Delivery:
    """Never raises; ``url`` was checked by ``address``."""
    given = {"Content-Type": "application/json", "User-Agent": f"spanledger/{__version__}"} | dict(headers or {})
    request = urllib.request.Request(url, body, given, method="POST")  # noqa: S310 - checked by address()
    try:
        with _OPENER.open(request, timeout=timeout_s) as reply:
            return Delivery(ok=True, retryable=False, detail=f"HTTP {reply.status}")
    except urllib.error.HTTPError as error:
        return Delivery(ok=False, retryable=_is_temporary(error.code), detail=_refusal(error))
    except (OSError, HTTPException) as error:  # refused, unreachable, timed out, cut off
        return Delivery(ok=False, retryable=True, detail=f"{type(error).__name__}: {error}")


def address(variable: str, url: str, example: str) -> str:
    """The URL; raises ValueError when it is none of http(s)."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise ValueError(f"{variable}={url!r} is not an http(s) address; give one like {example}")
    return url


def _refusal(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            said = error.read(_DETAIL).decode("utf-8", "replace").strip()
        except (OSError, HTTPException):
            said = ""
    return f"HTTP {error.code} {error.reason}" + (f": {said}" if said else "")


def _is_temporary(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_AGAIN
