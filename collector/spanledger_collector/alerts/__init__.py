"""Alert rules over named queries, their state and their delivery. All state is in the store: see ``dispatch``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from spanledger_collector.alerts import record
from spanledger_collector.alerts.dispatch import KEEP_TELLING, batches, outstanding
from spanledger_collector.alerts.evidence import with_evidence
from spanledger_collector.alerts.inhibition import inhibited
from spanledger_collector.alerts.kept import Kept
from spanledger_collector.alerts.notify import Messenger
from spanledger_collector.alerts.remembered import Remembered
from spanledger_collector.alerts.rulebook import EMPTY, Rulebook
from spanledger_collector.alerts.state import ACTIVE, Alert, advance
from spanledger_collector.rows import records

if TYPE_CHECKING:
    from datetime import datetime

    from spanledger_collector.alerts.notify import Notifier
    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.verdict import Rule

RunQuery = Callable[[str, Mapping[str, Sequence[str]]], pa.Table]
Save = Callable[[str, pa.Table, str], None]  # table name, rows, insert token

_log = logging.getLogger(__name__)


class Alerting:
    """``tick`` is all it does; ``delivered`` is told each outcome: ok, temporary or permanent."""

    def __init__(
        self,
        *,
        run_query: RunQuery,
        save: Save,
        delivered: Callable[[str], None],
        rules: Sequence[Rule],
        notifiers: Sequence[Notifier] = (),
        rulebook: Callable[[], Rulebook] = lambda: EMPTY,
    ) -> None:
        self._run_query = run_query
        self._save = save
        self._delivered = delivered
        self._notifiers = notifiers
        self._rules = rules
        self._rulebook = rulebook
        self._kept = Kept(run_query, save)
        self._own_asks = Remembered(run_query)

    def tick(self, now: datetime) -> None:
        """Evaluate every rule at ``now`` (UTC, aware), keep what changed, then tell who has not been told.

        A rule that fails silences no other: what it raised is raised once all the rest is done.
        """
        book = self._rulebook().with_kept(self._kept.book(now))
        alerts = {(alert.fingerprint, alert.since): alert for alert in self._stored(now)}
        rules = (*self._rules, *book.rules(self._own_asks))
        changed, failed = self._evaluated(rules, alerts.values(), now)
        changed += _orphans(rules, alerts.values(), now)
        if changed:
            self._save("alerts", record.alert_rows(changed, now), f"alerts-{now.isoformat()}")
        alerts |= {(alert.fingerprint, alert.since): alert for alert in changed}
        muted = inhibited(list(alerts.values()))
        told = [one for one in alerts.values() if not book.silenced(one, now) and one.fingerprint not in muted]
        self._tell(told, now, book.acknowledged)
        if failed:
            raise failed[0]

    def _stored(self, now: datetime) -> list[Alert]:
        return [record.to_alert(row) for row in self._rows("alerts", {"from": [(now - KEEP_TELLING).isoformat()]})]

    def _evaluated(
        self, rules: Sequence[Rule], alerts: Collection[Alert], now: datetime
    ) -> tuple[list[Alert], list[Exception]]:
        changed: list[Alert] = []
        failed: list[Exception] = []
        for rule in rules:
            try:
                changed += list(self._evaluate(rule, alerts, now))
            except Exception as error:  # noqa: BLE001, PERF203 - raised by the caller; logged where it is not the first
                failed.append(error)
                if len(failed) > 1:
                    _log.warning("a rule could not be evaluated; it is tried again", exc_info=error)
        return changed, failed

    def _evaluate(self, rule: Rule, alerts: Collection[Alert], now: datetime) -> Iterator[Alert]:
        judged = rule.judge(now)
        if judged is None:  # it does not know yet, which ends nothing
            return
        active = {(one.rule, one.labels): one for one in alerts if rule.owns(one.rule) and one.state in ACTIVE}
        verdicts = {(verdict.rule, verdict.labels): verdict for verdict in judged}
        for key in sorted(active.keys() | verdicts.keys()):
            before = active.get(key)
            alert = advance(before, verdicts.get(key), now, rule.timing)
            if alert is not None and _is_news(before, alert):
                yield with_evidence(alert, self._run_query, now) if alert.last_failing == now else alert

    def _tell(self, alerts: Sequence[Alert], now: datetime, acknowledged: Collection[tuple[str, datetime]]) -> None:
        if not self._notifiers:
            return
        log = self._rows("notifications", {})
        for notifier, told in batches(outstanding(alerts, log, self._notifiers, now, acknowledged)):
            delivery = notifier.send_together(told) if isinstance(notifier, Messenger) else notifier.send(told[0])
            self._delivered("ok" if delivery.ok else "temporary" if delivery.retryable else "permanent")
            rows, first = record.delivery_rows(told, notifier.name, delivery, now), told[0].fingerprint
            self._save("notifications", rows, f"notification-{notifier.name}-{first}-{now.isoformat()}")
            if not delivery.ok:
                _log.warning("alert %s: %s did not take it: %s", first, notifier.name, delivery.detail)

    def _rows(self, name: str, params: Mapping[str, Sequence[str]]) -> list[Row]:
        return records(self._run_query(name, params))


def _orphans(rules: Sequence[Rule], alerts: Collection[Alert], now: datetime) -> Iterator[Alert]:
    """Alerts of rules that are no more: nothing else would ever end them."""
    for alert in alerts:
        if alert.state in ACTIVE and not any(rule.owns(alert.rule) for rule in rules):
            yield replace(alert, state="resolved", resolved_at=now, summary=f"Resolved: there is no rule {alert.rule}")


def _is_news(before: Alert | None, alert: Alert) -> bool:
    """Another state or other numbers; that it is still so is written down with them."""
    if before is None or before.state != alert.state:
        return True
    return (before.seen, before.expected, before.calls) != (alert.seen, alert.expected, alert.calls)
