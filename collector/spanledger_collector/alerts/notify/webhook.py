"""A JSON POST for anything that listens: one per change of state, signed when a secret is set."""

from __future__ import annotations

import hmac
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from spanledger_collector.alerts.notify.http import address, encoded, post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.notify import Delivery
    from spanledger_collector.alerts.state import Alert

URL = "SPANLEDGER_ALERT_WEBHOOK"
SECRET = "SPANLEDGER_ALERT_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
SIGNATURE = "X-Spanledger-Signature"
DELIVERY = "X-Spanledger-Delivery"


class Webhook:
    def __init__(self, url: str, secret: str = "", timeout_s: float = 10.0) -> None:
        self.name = "webhook"
        self._url = url
        self._secret = secret.encode()
        self._timeout_s = timeout_s

    def send(self, alert: Alert) -> Delivery:
        body = encoded(payload(alert))
        headers = {DELIVERY: f"{alert.fingerprint}-{alert.since:%Y%m%dT%H%M%S}-{alert.state}"}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body)
        return post(self._url, body, headers, self._timeout_s)


def signature(secret: bytes, body: bytes) -> str:
    """``sha256=`` and the hex HMAC-SHA256 of the body as sent."""
    return f"sha256={hmac.new(secret, body, 'sha256').hexdigest()}"


def payload(alert: Alert) -> dict[str, object]:
    """What is sent. ``expected`` and ``seen`` are in ``unit``; times are RFC 3339 UTC; money is an exact string."""
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
        "seen": round(alert.seen, 6),
        "expected": round(alert.expected, 6),
        "unit": alert.unit,
        "window_minutes": alert.window_minutes,
        "basis": alert.basis,
        "cost_usd": None if alert.cost_usd is None else str(alert.cost_usd),
        "owner": alert.owner,
        "runbook_url": alert.runbook_url,
        "errors": [{"error": name, "calls": calls} for name, calls in alert.errors],
        "trace_ids": list(alert.trace_ids),
        "deploys": list(alert.deploys),
    }


def from_environment(environment: Mapping[str, str]) -> Webhook | None:
    url = environment.get(URL, "").strip()
    if not url:
        return None
    return Webhook(address(URL, url, "https://hooks.example.com/llm"), environment.get(SECRET, ""))


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") if moment else None
