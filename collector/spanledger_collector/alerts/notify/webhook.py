"""A JSON POST for anything that listens: one per change of state, signed when a secret is set."""

from __future__ import annotations

import hmac
import json
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spanledger._version import __version__
from spanledger_collector.alerts.notify import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.state import Alert

URL = "SPANLEDGER_ALERT_WEBHOOK"
SECRET = "SPANLEDGER_ALERT_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
SIGNATURE = "X-Spanledger-Signature"
DELIVERY = "X-Spanledger-Delivery"
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A followed redirect would turn the POST into a GET without a body and count it as told."""

    def redirect_request(self, *_: object) -> None:
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


class Webhook:
    def __init__(self, url: str, secret: str = "", timeout_s: float = 10.0) -> None:
        self.name = "webhook"
        self._url = url
        self._secret = secret.encode()
        self._timeout_s = timeout_s

    def send(self, alert: Alert) -> Delivery:
        try:
            with _OPENER.open(self._request(alert), timeout=self._timeout_s) as reply:
                return Delivery(ok=True, retryable=False, detail=f"HTTP {reply.status}")
        except urllib.error.HTTPError as error:
            error.close()
            return Delivery(ok=False, retryable=_is_temporary(error.code), detail=f"HTTP {error.code} {error.reason}")
        except (OSError, HTTPException) as error:  # refused, unreachable, timed out, cut off
            return Delivery(ok=False, retryable=True, detail=f"{type(error).__name__}: {error}")

    def _request(self, alert: Alert) -> urllib.request.Request:
        body = json.dumps(payload(alert), separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"spanledger/{__version__}",
            DELIVERY: f"{alert.fingerprint}-{alert.since:%Y%m%dT%H%M%S}-{alert.state}",
        }
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body)
        return urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - checked in from_environment


def signature(secret: bytes, body: bytes) -> str:
    """``sha256=`` and the hex HMAC-SHA256 of the body as sent."""
    return f"sha256={hmac.new(secret, body, 'sha256').hexdigest()}"


def payload(alert: Alert) -> dict[str, object]:
    """What is sent. ``expected`` and ``seen`` count failed calls in the rule's window; times are RFC 3339 UTC."""
    return {
        "version": 1,
        "state": alert.state,
        "rule": alert.rule,
        "labels": dict(alert.labels),
        "fingerprint": alert.fingerprint,
        "since": _time(alert.since),
        "fired_at": _time(alert.fired_at),
        "resolved_at": _time(alert.resolved_at),
        "summary": alert.summary,
        "calls": alert.calls,
        "seen": alert.seen,
        "expected": round(alert.expected, 2),
        "errors": [{"error": name, "calls": calls} for name, calls in alert.errors],
        "trace_ids": list(alert.trace_ids),
    }


def from_environment(environment: Mapping[str, str]) -> Webhook | None:
    url = environment.get(URL, "").strip()
    if not url:
        return None
    if not _is_http(url):
        raise ValueError(f"{URL}={url!r} is not an http(s) address; give one like https://hooks.example.com/llm")
    return Webhook(url, environment.get(SECRET, ""))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def _is_temporary(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRY_AGAIN


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") if moment else None
