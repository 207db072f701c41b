"""An alert in plain words, the same in every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.alerts.state import Alert


_LISTED: Final = 15


def title(*alerts: Alert) -> str:
    """``FIRING provider outage: openai``, or in how many places, for alerts of one rule and state."""
    where = _where(alerts[0]) if len(alerts) == 1 else f"{len(alerts)} places"
    return f"{alerts[0].state.upper()} {alerts[0].rule.replace('_', ' ')}: {where}"


def lines(*alerts: Alert) -> list[str]:
    """One alert in full, several by a line each."""
    if len(alerts) == 1:
        return list(_lines(alerts[0]))
    told = [f"{_where(alert)}: {alert.summary}" for alert in alerts[:_LISTED]]
    more = [f"and {len(alerts) - _LISTED} more"] if len(alerts) > _LISTED else []
    shared = {f"Owner: {alert.owner}" for alert in alerts if alert.owner}
    return [*told, *more, *sorted(shared)]


def _where(alert: Alert) -> str:
    return " / ".join(value for _, value in alert.labels) or "everywhere"


def _lines(alert: Alert) -> Iterator[str]:
    yield alert.summary
    yield f"Since {alert.since:%Y-%m-%d %H:%M} UTC" + (
        f", over {alert.resolved_at:%Y-%m-%d %H:%M} UTC" if alert.resolved_at else ""
    )
    if alert.errors:
        yield "Most: " + ", ".join(f"{name} {calls:,}" for name, calls in alert.errors)
    if alert.deploys:
        yield "Deployed shortly before: " + ", ".join(alert.deploys)
    if alert.cost_usd is not None:
        yield f"Known cost of this place since then: ${alert.cost_usd:,.4f}"
    if alert.basis:
        yield f"Rule: {alert.basis}"
    if alert.trace_ids:
        yield "Traces: " + ", ".join(alert.trace_ids)
    if alert.owner:
        yield f"Owner: {alert.owner}"
    if alert.runbook_url:
        yield f"Runbook: {alert.runbook_url}"
