"""An alert in plain words, the same in every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.alerts.state import Alert


def title(alert: Alert) -> str:
    """``FIRING provider outage: openai``."""
    where = " / ".join(value for _, value in alert.labels) or "everywhere"
    return f"{alert.state.upper()} {alert.rule.replace('_', ' ')}: {where}"


def lines(alert: Alert) -> list[str]:
    return list(_lines(alert))


def _lines(alert: Alert) -> Iterator[str]:
    yield alert.summary
    yield f"Since {alert.since:%Y-%m-%d %H:%M} UTC" + (
        f", over {alert.resolved_at:%Y-%m-%d %H:%M} UTC" if alert.resolved_at else ""
    )
    if alert.errors:
        yield "Most: " + ", ".join(f"{name} {calls:,}" for name, calls in alert.errors)
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
