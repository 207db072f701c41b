"""What the anomaly rules would have told: the engine over a history, bucket by bucket, as it runs live."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from spanledger_collector.alerts.anomaly.engine import Engine
from spanledger_collector.alerts.anomaly.wording import RULES, labels, scope_name, summary
from spanledger_collector.alerts.evidence import DEPLOYED_BEFORE
from spanledger_collector.alerts.stored_calls import window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from spanledger_collector.alerts.anomaly.facts import Bucket, Places
    from spanledger_collector.alerts.anomaly.incidents import Incident
    from spanledger_collector.alerts.anomaly.signal import Driver
    from spanledger_collector.alerts.stored_calls import RunQuery


class History(Protocol):
    """Facts of the past, and who made calls in it."""

    @property
    def places(self) -> Places: ...

    def buckets(self) -> Iterator[Bucket]: ...

    def drivers(self, group: int, since: datetime, until: datetime) -> Sequence[Driver]: ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something people did: a deploy, a campaign."""

    at: datetime
    service: str
    what: str


def backtest(history: History, step_minutes: int, events: Iterable[Event] = ()) -> list[dict[str, Any]]:
    """Every incident of the history, JSON-ready, oldest first. Nothing after its ``detected_at`` was known to it."""
    engine = Engine(history.places, step_minutes, history.drivers)
    found: list[Incident] = []
    for bucket in history.buckets():
        found += engine.step(bucket).began
    told = list(events)
    return [_told(incident, history.places, told) for incident in found]


def deploys(run_query: RunQuery, start: datetime, end: datetime) -> list[Event]:
    """Of every service, as the stored calls tell of them."""
    rows = run_query("deploys", window(start, end)).to_pylist()
    return [Event(row["first_seen"], row["service"], f"first call of version {row['version']}") for row in rows]


def read_events(path: Path) -> list[Event]:
    """From CSV with the columns ``ts`` (ISO 8601, UTC), ``service``, ``type`` and ``note``. Raises ValueError."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = {"ts", "service", "type"} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path} has no column {min(missing)!r}; needed are ts, service, type and, if any, note")
        return [Event(_utc(row["ts"]), row["service"], f"{row['type']} {row.get('note', '')}".strip()) for row in rows]


def _told(incident: Incident, places: Places, events: Sequence[Event]) -> dict[str, Any]:
    signal = incident.signal
    group = scope_name(signal.scope, places)
    return {
        "group": group,
        "kind": signal.kind,
        "labels": labels(signal, places),
        "start": _plain(incident.since),
        "detected_at": _plain(incident.detected),
        "resolved_at": _plain(incident.until) if incident.until else None,
        "dimension": dict(signal.dimension),
        "seen": round(signal.seen, 6),
        "expected": round(signal.expected, 6),
        "unit": signal.unit,
        "calls": round(signal.of),
        "window_minutes": signal.minutes,
        "evidence_nats": round(signal.nats, 1),
        "summary": summary(signal),
        "rule": RULES[signal.kind],
        "preceded_by": _causes(incident, group.split("/")[0], events),
    }


def _causes(incident: Incident, service: str, events: Sequence[Event]) -> list[str]:
    """Events of the service shortly before: what to look at first, not what is proven."""
    near = (one for one in events if incident.since - DEPLOYED_BEFORE <= one.at <= incident.detected)
    return [f"{one.at:%Y-%m-%d %H:%M} UTC: {one.what}" for one in near if service in ("*", one.service)]


def _plain(moment: datetime) -> str:
    """UTC without saying so, as the times of the files are."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat()


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
