"""Who is still to be told: decided from the notification log alone, so a restart neither repeats nor forgets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from spanledger_collector.alerts.notify import Messenger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from spanledger_collector.alerts.notify import Notifier
    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.state import Alert

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=10)
REPEAT = timedelta(hours=4)  # what is still on is told again
KEEP_TELLING = timedelta(hours=24)  # a resolution nobody took for that long is no longer news


def outstanding(
    alerts: Sequence[Alert],
    log: Sequence[Row],
    notifiers: Sequence[Notifier],
    now: datetime,
    acknowledged: Collection[tuple[str, datetime]] = (),
) -> Iterator[tuple[Alert, Notifier]]:
    """``acknowledged`` incidents, by fingerprint and since, are not told again until they are over."""
    for alert in alerts:
        for notifier in notifiers:
            tried = [row for row in log if _is_about(row, alert, notifier)]
            of_state = [row for row in tried if row["state"] == alert.state]
            seen = (alert.fingerprint, alert.since) in acknowledged
            repeats = not seen and _is_repeat(alert, of_state, now)
            if _is_wanted(alert, tried) and (_is_due(of_state, now) or repeats):
                yield alert, notifier


def batches(pairs: Iterable[tuple[Alert, Notifier]]) -> Iterator[tuple[Notifier, list[Alert]]]:
    """What is one message: for people alerts of one rule, state and owner, for machines each alert."""
    together: dict[tuple[str, ...], tuple[Notifier, list[Alert]]] = {}
    for alert, notifier in pairs:
        alone = () if isinstance(notifier, Messenger) else (alert.fingerprint, alert.since.isoformat())
        key = (notifier.name, alert.rule, alert.state, alert.owner, *alone)
        together.setdefault(key, (notifier, []))[1].append(alert)
    for notifier, alerts in together.values():
        yield notifier, sorted(alerts, key=lambda alert: (alert.since, alert.fingerprint))


def _is_about(row: Row, alert: Alert, notifier: Notifier) -> bool:
    incident = (row["fingerprint"], row["since"], row["notifier"])
    return incident == (alert.fingerprint, alert.since, notifier.name)


def _is_wanted(alert: Alert, tried: Sequence[Row]) -> bool:
    """A resolution is told only to a receiver the firing was sent to: a new receiver is not sent old incidents."""
    return alert.state == "firing" or (alert.state == "resolved" and bool(tried))


def _is_repeat(alert: Alert, tried: Sequence[Row], now: datetime) -> bool:
    """A firing that was taken, long ago."""
    if alert.state != "firing" or not tried or not all(row["ok"] or row["retryable"] for row in tried):
        return False
    last: datetime = max(row["sent"] for row in tried)
    return any(row["ok"] for row in tried) and now >= last + REPEAT


def _is_due(tried: Sequence[Row], now: datetime) -> bool:
    if any(row["ok"] or not row["retryable"] for row in tried):
        return False
    if not tried:
        return True
    wait = min(_FIRST_WAIT * (1 << min(len(tried) - 1, 10)), _LONGEST_WAIT)
    last: datetime = max(row["sent"] for row in tried)
    return now >= last + wait
