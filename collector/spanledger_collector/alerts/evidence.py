"""What an alert carries beside its numbers: errors, traces to look at, and the known cost since it began."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.alerts.stored_calls import window
from spanledger_collector.queries.parameter import NARROWED
from spanledger_collector.rows import records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from spanledger_collector.alerts.record import Row
    from spanledger_collector.alerts.state import Alert
    from spanledger_collector.alerts.stored_calls import RunQuery

_EXAMPLES: Final = 3
_MOST: Final = 0.5
DEPLOYED_BEFORE: Final = timedelta(hours=2)  # so long before an incident a deploy may be its cause


def with_evidence(alert: Alert, run_query: RunQuery, now: datetime) -> Alert:
    """Asked when an alert begins, fires or gets worse; the ledger may have nothing to show."""
    place = {name: [value] for name, value in alert.labels if name in NARROWED}
    # A rule that cannot tell when it began has just begun: what it judged by is what there is to show.
    began = alert.since if alert.since < now else now - timedelta(minutes=alert.window_minutes)
    asked = place | {"from": [began.isoformat()], "to": [now.isoformat()]}
    errors = run_query("failing_calls", asked).to_pylist() if alert.unit == "failures" else []
    traces = [trace for row in errors for trace in row["trace_ids"]] or _latest(run_query, asked)
    by = _by(errors, run_query, asked) if "user" not in place else ""
    return replace(
        alert,
        summary=f"{alert.summary}; {by}" if by else alert.summary,
        errors=tuple((_error_name(row), row["calls"]) for row in errors[:_EXAMPLES]),
        trace_ids=tuple(dict.fromkeys(traces))[:_EXAMPLES],
        deploys=_deploys(alert, run_query, now) if "service" in place else (),
        cost_usd=run_query("totals", asked).column("cost_usd")[0].as_py(),
    )


def _by(errors: Sequence[Row], run_query: RunQuery, asked: dict[str, list[str]]) -> str:
    """The user who has most of the failures, and usually makes less than half as large a share of the calls."""
    if not errors:
        return ""
    failures, user = sum(row["calls"] for row in errors), errors[0]["user"]
    share = sum(row["user_calls"] for row in errors if row["user"] == user) / failures
    if not user or share < _MOST:
        return ""
    usual = [row["usual_share"] for row in run_query("drivers", asked).to_pylist() if row["value"] == user]
    return f"{min(share, 1.0):.0%} of the failures are user {user}'s" if 2 * max(usual, default=0.0) <= share else ""


def _deploys(alert: Alert, run_query: RunQuery, now: datetime) -> tuple[str, ...]:
    """The newest versions of the service that were first seen from two hours before it began."""
    asked = {"service": [value for name, value in alert.labels if name == "service"]}
    rows = run_query("deploys", asked | window(alert.since - DEPLOYED_BEFORE, now)).to_pylist()
    told = [f"{row['service']} {row['version']} at {row['first_seen']:%Y-%m-%d %H:%M} UTC" for row in rows]
    return tuple(told[-_EXAMPLES:])


def _latest(run_query: RunQuery, asked: dict[str, list[str]]) -> Sequence[str]:
    return [row["trace_id"] for row in records(run_query("latest_calls", asked | {"limit": [str(_EXAMPLES)]}))]


def _error_name(row: Row) -> str:
    name = row["error_type"] or "unknown error"
    return f"{name} ({row['http_status']})" if row["http_status"] else name
