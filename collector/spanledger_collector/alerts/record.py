"""Alerts as rows of the ``alerts`` table and back, and deliveries as rows of the notification log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from spanledger_collector.alerts.state import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from spanledger_collector.alerts.notify import Delivery

Row = dict[str, Any]
_TIME = pa.timestamp("us", tz="UTC")
_TEXT = pa.string()
_ALERT_FIELDS: list[pa.Field[Any]] = [
    pa.field("fingerprint", _TEXT),
    pa.field("since", _TIME),
    pa.field("updated", _TIME),
    pa.field("rule", _TEXT),
    pa.field("labels", pa.map_(_TEXT, _TEXT)),
    pa.field("state", _TEXT),
    pa.field("fired_at", _TIME),
    pa.field("resolved_at", _TIME),
    pa.field("last_failing", _TIME),
    pa.field("calls", pa.uint64()),
    pa.field("seen", pa.float64()),
    pa.field("expected", pa.float64()),
    pa.field("summary", _TEXT),
    pa.field("error_types", pa.list_(_TEXT)),
    pa.field("error_calls", pa.list_(pa.uint64())),
    pa.field("trace_ids", pa.list_(_TEXT)),
    pa.field("kind", _TEXT),
    pa.field("unit", _TEXT),
    pa.field("window_minutes", pa.uint32()),
    pa.field("basis", _TEXT),
    pa.field("owner", _TEXT),
    pa.field("runbook_url", _TEXT),
    pa.field("cost_usd", pa.decimal128(38, 18)),
    pa.field("deploys", pa.list_(_TEXT)),
]
_NOTIFICATION_FIELDS: list[pa.Field[Any]] = [
    pa.field("fingerprint", _TEXT),
    pa.field("since", _TIME),
    pa.field("state", _TEXT),
    pa.field("notifier", _TEXT),
    pa.field("sent", _TIME),
    pa.field("ok", pa.bool_()),
    pa.field("retryable", pa.bool_()),
    pa.field("detail", _TEXT),
]
ALERTS = pa.schema(_ALERT_FIELDS)
NOTIFICATIONS = pa.schema(_NOTIFICATION_FIELDS)
_SAME = (
    *("since", "rule", "kind", "state", "fired_at", "resolved_at", "last_failing", "calls", "seen", "expected"),
    *("unit", "window_minutes", "summary", "basis", "owner", "runbook_url", "cost_usd"),
)


def alert_rows(alerts: Iterable[Alert], now: datetime) -> pa.Table:
    return pa.Table.from_pylist([_row(alert, now) for alert in alerts], schema=ALERTS)


def _row(alert: Alert, now: datetime) -> Row:
    return {name: getattr(alert, name) for name in _SAME} | {
        "fingerprint": alert.fingerprint,
        "updated": now,
        "labels": list(alert.labels),
        "error_types": [name for name, _ in alert.errors],
        "error_calls": [calls for _, calls in alert.errors],
        "trace_ids": list(alert.trace_ids),
        "deploys": list(alert.deploys),
    }


def to_alert(row: Row) -> Alert:
    return Alert(
        **{name: row[name] for name in _SAME},
        labels=tuple(sorted(dict(row["labels"]).items())),
        errors=tuple(zip(row["error_types"], row["error_calls"], strict=True)),
        trace_ids=tuple(row["trace_ids"]),
        deploys=tuple(row["deploys"]),
    )


def delivery_rows(alerts: Iterable[Alert], notifier: str, delivery: Delivery, sent: datetime) -> pa.Table:
    outcome = {"sent": sent, "ok": delivery.ok, "retryable": delivery.retryable, "detail": delivery.detail}
    told = [{"fingerprint": one.fingerprint, "since": one.since, "state": one.state} for one in alerts]
    return pa.Table.from_pylist([one | outcome | {"notifier": notifier} for one in told], schema=NOTIFICATIONS)
