"""What an alert carries beside its numbers: errors, traces to look at, and the known cost since it began."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts.stored_calls import window
from spanledger_collector.queries.parameter import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.state import Alert
    from spanledger_collector.alerts.stored_calls import RunQuery

_EXAMPLES: Final = 3
DEPLOYED_BEFORE: Final = timedelta(hours=2)  # so long before an incident a deploy may be its cause


def with_evidence(alert: Alert, run_query: RunQuery, now: datetime) -> Alert:
    """Asked when an alert begins, fires or gets worse; the ledger may have nothing to show."""
    place = {name: [value] for name, value in alert.labels if name in DIMENSIONS}
    asked = place | {"from": [alert.since.isoformat()], "to": [now.isoformat()]}
    errors = run_query("failing_calls", asked).to_pylist() if alert.unit == "failures" else []
    traces = [trace for row in errors for trace in row["trace_ids"]] or _latest(run_query, asked)
    return replace(
        alert,
        errors=tuple((_error_name(row), row["calls"]) for row in errors[:_EXAMPLES]),
        trace_ids=tuple(dict.fromkeys(traces))[:_EXAMPLES],
        deploys=_deploys(alert, run_query, now) if "service" in place else (),
        cost_usd=run_query("totals", asked).column("cost_usd")[0].as_py(),
    )


def _deploys(alert: Alert, run_query: RunQuery, now: datetime) -> tuple[str, ...]:
    """The newest versions of the service that were first seen from two hours before it began."""
    asked = {"service": [value for name, value in alert.labels if name == "service"]}
    rows = run_query("deploys", asked | window(alert.since - DEPLOYED_BEFORE, now)).to_pylist()
    told = [f"{row['service']} {row['version']} at {row['first_seen']:%Y-%m-%d %H:%M} UTC" for row in rows]
    return tuple(told[-_EXAMPLES:])


def _latest(run_query: RunQuery, asked: dict[str, list[str]]) -> Sequence[str]:
    rows = run_query("latest_calls", asked | {"limit": [str(_EXAMPLES)]}).to_pylist()
    return [row["trace_id"] for row in rows]


def _error_name(row: Row) -> str:
    name = row["error_type"] or "unknown error"
    return f"{name} ({row['http_status']})" if row["http_status"] else name
