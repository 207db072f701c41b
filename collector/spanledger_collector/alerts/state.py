"""The life of an alert: inactive, pending, firing, resolved. Pure: the store keeps what happens in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_collector.alerts.rule import FailureSpike, Verdict

State = Literal["inactive", "pending", "firing", "resolved"]
ACTIVE: tuple[State, ...] = ("pending", "firing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One incident of one rule and one set of labels; times are UTC. ``seen`` and ``expected`` count failures."""

    rule: str
    labels: tuple[tuple[str, str], ...]
    state: State
    since: datetime  # first failing evaluation
    last_failing: datetime
    calls: int
    seen: int
    expected: float
    summary: str
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    errors: tuple[tuple[str, int], ...] = ()  # "RateLimitError (429)", calls; most frequent first
    trace_ids: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.rule, self.labels)


def fingerprint(rule: str, labels: Sequence[tuple[str, str]]) -> str:
    """Identity of an alert across incidents: rule and labels only, never a number or a time."""
    pairs = sorted([("alertname", rule), *labels])
    return sha256("\0".join(part for pair in pairs for part in pair).encode()).hexdigest()[:32]


def advance(alert: Alert | None, verdict: Verdict | None, now: datetime, rule: FailureSpike) -> Alert | None:
    """The alert after an evaluation; ``alert`` is the active one, if any, and no verdict means no calls at all."""
    if verdict is not None and verdict.judgement == "failing":
        return _failing(alert or _pending(verdict, now, rule), verdict, now, rule)
    if alert is None:
        return None
    if alert.state == "pending":
        return replace(alert, state="inactive")
    if now - alert.last_failing < rule.keep_firing_for:
        return alert
    return replace(alert, state="resolved", resolved_at=now, summary=_resolution(verdict))


def _pending(verdict: Verdict, now: datetime, rule: FailureSpike) -> Alert:
    return Alert(
        rule=rule.name,
        labels=verdict.labels,
        state="pending",
        since=now,
        last_failing=now,
        calls=verdict.calls,
        seen=verdict.failures,
        expected=verdict.expected,
        summary=verdict.summary,
    )


def _failing(alert: Alert, verdict: Verdict, now: datetime, rule: FailureSpike) -> Alert:
    alert = replace(
        alert,
        last_failing=now,
        calls=verdict.calls,
        seen=verdict.failures,
        expected=verdict.expected,
        summary=verdict.summary,
    )
    if alert.state == "pending" and now - alert.since >= rule.pending_for:
        return replace(alert, state="firing", fired_at=now)
    return alert


def _resolution(verdict: Verdict | None) -> str:
    return f"Resolved: {verdict.summary}" if verdict else "Resolved: no calls in the window any more"
