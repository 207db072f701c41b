"""One group's hours as the engine judged them, ready for JSON: what a page draws to show why an alert was told."""

from __future__ import annotations

from datetime import datetime, timezone
from math import isfinite
from typing import TYPE_CHECKING, Any

from spanledger_collector.alerts.anomaly.incidents import concerns
from spanledger_collector.alerts.anomaly.wording import RULES, labels, summary
from spanledger_collector.alerts.state import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.alerts.anomaly.deploys import Change
    from spanledger_collector.alerts.anomaly.engine import Engine
    from spanledger_collector.alerts.anomaly.facts import Cell
    from spanledger_collector.alerts.anomaly.incidents import Incident

Json = dict[str, Any]
_ASKED = ("service", "feature", "provider", "model")


def described(engine: Engine, group: tuple[str, str], start: datetime, end: datetime) -> Json:
    """``series``: points by the hour with seen, expected, lower and upper, ``null`` where unknown; ``flagged``: every
    incident there with its cause by part of the cost, and the query that finds its calls; ``changes``: what deploys
    made of a level for good, before and after.

    Raises LookupError for a group that has had no call.
    """
    place = engine.places.groups.get(group)
    if place is None:
        raise LookupError(f"no call of service {group[0]!r}, feature {group[1]!r} has been seen in the last weeks")
    series = [
        {"name": name, "unit": unit, "points": [_point(point) for point in points]}
        for name, unit, points in engine.trail.points(place, start, end)
    ]
    view = engine.view(end)
    told = [
        _flagged(engine, place, incident)
        for incident in engine.trail.told
        if concerns(incident.signal.scope, place, view) and incident.since < end and (incident.until or end) > start
    ]
    where = {"service": group[0], "feature": group[1]}
    changes = [
        _change(change, list(engine.places.cells)[change.cell])
        for change in engine.deploys.changes
        if engine.cell_is_of(change.cell, place) and start <= change.deploy.at < end
    ]
    return {**where, "bucket_minutes": 60, "series": series, "flagged": told, "changes": changes}


def _change(change: Change, cell: Cell) -> Json:
    deploy = change.deploy
    numbers = {"before": float(f"{change.before:.6g}"), "after": float(f"{change.after:.6g}"), "unit": change.unit}
    version = {"at": deploy.at, "version": deploy.version, "version_before": deploy.before, "told_at": change.told}
    return {"provider": cell.provider, "model": cell.model, "series": change.series, **numbers, **version}


def _point(point: Sequence[float]) -> Json:
    at, *values = point
    rounded = [float(f"{value:.6g}") if isfinite(value) else None for value in values]
    start = datetime.fromtimestamp(at, timezone.utc)
    return {"start": start, **dict(zip(("seen", "expected", "lower", "upper"), rounded, strict=True))}


def _flagged(engine: Engine, place: int, incident: Incident) -> Json:
    signal = incident.signal
    named = {name: value for name, value in labels(signal, engine.places).items() if value}
    until = incident.until or engine.now or incident.detected
    cause = engine.trail.cause(place, incident.since, until)
    service, feature = list(engine.places.groups)[place]
    asked = {"service": service, "feature": feature} | {k: v for k, v in named.items() if k in _ASKED}
    return {
        "kind": signal.kind,
        "since": incident.since,
        "detected_at": incident.detected,
        "until": incident.until,
        "fingerprint": fingerprint(signal.kind, tuple(named.items())),
        "labels": named,
        "summary": summary(signal),
        "basis": RULES[signal.kind],
        "seen": signal.seen,
        "expected": signal.expected,
        "unit": signal.unit,
        "cause": [{"part": part, "ratio": round(ratio, 4)} for part, ratio in cause.items()],
        "calls": {"query": "latest_calls", "params": asked | {"from": incident.since, "to": until}},
    }
