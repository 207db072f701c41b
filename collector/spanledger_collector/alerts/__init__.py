"""Alert rules over named queries, their state and their delivery. All state is in the store: see ``dispatch``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector.alerts import record
from spanledger_collector.alerts.dispatch import KEEP_TELLING, outstanding
from spanledger_collector.alerts.rule import FAILURE_SPIKE, FailureSpike, evaluate, window_start
from spanledger_collector.alerts.state import ACTIVE, Alert, advance

if TYPE_CHECKING:
    from datetime import datetime

    from spanledger_collector.alerts.notify import Notifier
    from spanledger_collector.alerts.record import Row

RULES: tuple[FailureSpike, ...] = (FAILURE_SPIKE,)

RunQuery = Callable[[str, Mapping[str, Sequence[str]]], pa.Table]
Save = Callable[[str, pa.Table, str], None]  # table name, rows, insert token

_EXAMPLES = 3
_log = logging.getLogger(__name__)


class Alerting:
    """``tick`` is all it does; ``delivered`` is told each outcome: ok, temporary or permanent."""

    def __init__(
        self,
        *,
        run_query: RunQuery,
        save: Save,
        delivered: Callable[[str], None],
        notifiers: Sequence[Notifier] = (),
        rules: Sequence[FailureSpike] = RULES,
    ) -> None:
        self._run_query = run_query
        self._save = save
        self._delivered = delivered
        self._notifiers = notifiers
        self._rules = rules

    def tick(self, now: datetime) -> None:
        """Evaluate every rule at ``now`` (UTC, aware), keep what changed, then tell who has not been told."""
        alerts = {(alert.fingerprint, alert.since): alert for alert in self._stored(now)}
        changed = [alert for rule in self._rules for alert in self._evaluate(rule, alerts.values(), now)]
        if changed:
            self._save("alerts", record.alert_rows(changed, now), f"alerts-{now.isoformat()}")
        alerts |= {(alert.fingerprint, alert.since): alert for alert in changed}
        self._tell(list(alerts.values()), now)

    def _stored(self, now: datetime) -> list[Alert]:
        return [record.to_alert(row) for row in self._rows("alerts", {"from": [(now - KEEP_TELLING).isoformat()]})]

    def _evaluate(self, rule: FailureSpike, alerts: Collection[Alert], now: datetime) -> Iterator[Alert]:
        active = {alert.labels: alert for alert in alerts if alert.rule == rule.name and alert.state in ACTIVE}
        verdicts = {verdict.labels: verdict for verdict in evaluate(self._buckets(rule, now), now, rule)}
        for labels in sorted(active.keys() | verdicts.keys()):
            alert = advance(active.get(labels), verdicts.get(labels), now, rule)
            if alert is not None and alert != active.get(labels):
                yield self._with_examples(alert, rule, now) if alert.last_failing == now else alert

    def _buckets(self, rule: FailureSpike, now: datetime) -> pa.Table:
        """Hours are enough of the past, and a hundred services' minutes of a day are more than a query answers."""
        since = window_start(now, rule)
        past = {"from": [(since - rule.history).isoformat()], "to": [since.isoformat()], "bucket": ["hour"]}
        window = {"from": [since.isoformat()], "to": [now.isoformat()], "bucket": ["minute"]}
        return pa.concat_tables([self._run_query("outcomes", past), self._run_query("outcomes", window)])

    def _with_examples(self, alert: Alert, rule: FailureSpike, now: datetime) -> Alert:
        period = {"from": [window_start(now, rule).isoformat()], "to": [now.isoformat()]}
        rows = self._rows("failing_calls", {name: [value] for name, value in alert.labels} | period)
        return replace(
            alert,
            errors=tuple((_error_name(row), row["calls"]) for row in rows[:_EXAMPLES]),
            trace_ids=tuple(trace for row in rows for trace in row["trace_ids"])[:_EXAMPLES],
        )

    def _tell(self, alerts: Sequence[Alert], now: datetime) -> None:
        if not self._notifiers:
            return
        log = self._rows("notifications", {})
        for alert, notifier in outstanding(alerts, log, self._notifiers, now):
            delivery = notifier.send(alert)
            self._delivered("ok" if delivery.ok else "temporary" if delivery.retryable else "permanent")
            row = record.delivery_row(alert, notifier.name, delivery, now)
            self._save("notifications", row, f"notification-{notifier.name}-{alert.fingerprint}-{now.isoformat()}")
            if not delivery.ok:
                _log.warning("alert %s: %s did not take it: %s", alert.fingerprint, notifier.name, delivery.detail)

    def _rows(self, name: str, params: Mapping[str, Sequence[str]]) -> list[Row]:
        return self._run_query(name, params).to_pylist()


def _error_name(row: Row) -> str:
    name = row["error_type"] or "unknown error"
    return f"{name} ({row['http_status']})" if row["http_status"] else name
