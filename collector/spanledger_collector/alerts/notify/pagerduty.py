"""PagerDuty, Events API v2: one incident by the alert's fingerprint, triggered and resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.notify.http import address, encoded, post
from spanledger_collector.alerts.notify.text import title
from spanledger_collector.alerts.notify.webhook import payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.notify import Delivery
    from spanledger_collector.alerts.state import Alert

KEY: Final = "SPANLEDGER_ALERT_PAGERDUTY_KEY"
URL: Final = "SPANLEDGER_ALERT_PAGERDUTY_URL"
_DEFAULT: Final = "https://events.pagerduty.com"
_CRITICAL: Final = ("provider_outage", "ingest_silence", "cost_runaway")


class PagerDuty:
    name = "pagerduty"

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = f"{url.rstrip('/')}/v2/enqueue", key

    def send(self, alert: Alert) -> Delivery:
        return post(self._url, encoded({"routing_key": self._key} | event(alert)))


def event(alert: Alert) -> dict[str, Any]:
    """https://developer.pagerduty.com/docs/send-alert-event; the same ``dedup_key`` makes it one incident."""
    key = f"{alert.fingerprint}-{alert.since:%Y%m%dT%H%M%S}"
    if alert.state == "resolved":
        return {"event_action": "resolve", "dedup_key": key}
    links = [{"href": alert.runbook_url, "text": "Runbook"}] if alert.runbook_url else []
    return {
        "event_action": "trigger",
        "dedup_key": key,
        "links": links,
        "payload": {
            "summary": f"{title(alert)}: {alert.summary}"[:1024],
            "source": dict(alert.labels).get("service") or dict(alert.labels).get("provider") or "spanledger",
            "severity": "critical" if alert.rule in _CRITICAL else "error",
            "timestamp": alert.since.isoformat(),
            "class": alert.kind,
            "custom_details": payload(alert),
        },
    }


def from_environment(environment: Mapping[str, str]) -> PagerDuty | None:
    key = environment.get(KEY, "").strip()
    url = environment.get(URL, "").strip() or _DEFAULT
    return PagerDuty(address(URL, url, _DEFAULT), key) if key else None
