"""The life of an alert: inactive, pending, firing, resolved. Pure: the store keeps what happens in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from spanledger_collector.alerts.verdict import Labels, Timing, Verdict

State = Literal["inactive", "pending", "firing", "resolved"]
ACTIVE: tuple[State, ...] = ("pending", "firing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One incident of one rule and one set of labels; times are UTC. ``seen`` and ``expected`` are in ``unit``."""

    rule: str
    labels: Labels
    state: State
    since: datetime  # first failing evaluation, or earlier where the rule can tell
    last_failing: datetime
    calls: int
    seen: float
    expected: float
    summary: str
    kind: str = ""
    unit: str = "failures"
    window_minutes: int = 5
    basis: str = ""  # what the rule compares
    owner: str = ""
    runbook_url: str = ""
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    errors: tuple[tuple[str, int], ...] = ()  # "RateLimitError (429)", calls; most frequent first
    trace_ids: tuple[str, ...] = ()
    deploys: tuple[str, ...] = ()  # of the service, shortly before it began: what to look at first
    cost_usd: Decimal | None = None  # known cost of the place since it began; None: unknown

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.rule, self.labels)


def fingerprint(rule: str, labels: Sequence[tuple[str, str]]) -> str:
    """Identity of an alert across incidents: rule and labels only, never a number or a time."""
    pairs = sorted([("alertname", rule), *labels])
    return sha256("\0".join(part for pair in pairs for part in pair).encode()).hexdigest()[:32]


def advance(alert: Alert | None, verdict: Verdict | None, now: datetime, timing: Timing) -> Alert | None:
    """The alert after an evaluation; ``alert`` is the active one, if any, and no verdict means nothing to say."""
    if verdict is not None and verdict.judgement == "failing":
        return _failing(alert or _pending(verdict, now, timing), verdict, now, timing)
    if alert is None:
        return None
    if alert.state == "pending":
        return replace(alert, state="inactive")
    if now - alert.last_failing < timing.keep_firing_for:
        return alert
    return replace(alert, state="resolved", resolved_at=now, summary=_resolution(alert, verdict))


def _pending(verdict: Verdict, now: datetime, timing: Timing) -> Alert:
    return Alert(
        rule=verdict.rule,
        labels=verdict.labels,
        state="pending",
        since=verdict.since or now,
        last_failing=now,
        kind=verdict.kind or verdict.rule,
        unit=verdict.unit,
        owner=timing.owner,
        runbook_url=timing.runbook_url,
        **_numbers(verdict),
    )


def _failing(alert: Alert, verdict: Verdict, now: datetime, timing: Timing) -> Alert:
    alert = replace(alert, last_failing=now, **_numbers(verdict))
    if alert.state == "pending" and (not timing.pending_for or now - alert.since >= timing.pending_for):
        return replace(alert, state="firing", fired_at=now)
    return alert


def _numbers(verdict: Verdict) -> dict[str, Any]:
    names = ("calls", "seen", "expected", "summary", "window_minutes", "basis")
    return {name: getattr(verdict, name) for name in names}


def _resolution(alert: Alert, verdict: Verdict | None) -> str:
    return f"Resolved: {verdict.summary if verdict else alert.summary}"
