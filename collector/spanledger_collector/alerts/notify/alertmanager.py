"""Prometheus Alertmanager, API v2: it routes, groups and silences by its own rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.dispatch import REPEAT
from spanledger_collector.alerts.notify.http import address, encoded, post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.notify import Delivery
    from spanledger_collector.alerts.state import Alert

URL: Final = "SPANLEDGER_ALERT_ALERTMANAGER"
_OVERLAP: Final = timedelta(hours=1)


class Alertmanager:
    """A firing alert is posted to hold until well after it is told again: nobody re-sends it every minute here."""

    name = "alertmanager"

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"

    def send(self, alert: Alert) -> Delivery:
        return post(self._url, encoded([posted(alert)]))


def posted(alert: Alert) -> dict[str, Any]:
    """``postableAlert`` of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml."""
    end = alert.resolved_at or alert.last_failing + REPEAT + _OVERLAP
    annotations = {"summary": alert.summary, "basis": alert.basis, "runbook_url": alert.runbook_url}
    if alert.trace_ids:
        annotations["trace_ids"] = ", ".join(alert.trace_ids)
    labels = {"alertname": alert.rule, **dict(alert.labels)} | ({"owner": alert.owner} if alert.owner else {})
    return {
        "labels": labels,
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": alert.since.isoformat(),
        "endsAt": end.isoformat(),
    }


def from_environment(environment: Mapping[str, str]) -> Alertmanager | None:
    url = environment.get(URL, "").strip()
    return Alertmanager(address(URL, url, "http://alertmanager:9093")) if url else None
