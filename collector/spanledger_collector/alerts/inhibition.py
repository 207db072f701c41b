"""What one alert says already: others that follow from it are kept and shown, and not told while it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.alerts.state import Alert

_BAD_CALLS: Final = frozenset(
    {"failure_spike", "rate_limit_storm", "latency_regression", "first_chunk_regression", "traffic_drop", "burn_rate"}
)
_COST_MOVES: Final = frozenset(
    {"cost_runaway", "traffic_surge", "model_switch_cost", "price_change", "cache_collapse", "prompt_creep"}
    | {"answer_growth"}
)
_UNITS_OF_BAD_CALLS: Final = frozenset({"failures", "failure_share", "p95_ms"})


def inhibited(alerts: Sequence[Alert]) -> Mapping[str, str]:
    """Fingerprints of firing alerts to those of the alerts that say it already.

    A provider that is down explains failing and slow calls there, silence explains missing calls, a runaway a surge of
    its place, a budget that is used up the warning before it. What moved the money is told at its place, so spend by
    team and provider is told where nothing else explains it.
    """
    firing = [alert for alert in alerts if alert.state == "firing"]
    pairs = ((one, by) for one in firing for by in firing if one is not by and _follows(one, by))
    return {one.fingerprint: by.fingerprint for one, by in pairs}


def _follows(alert: Alert, by: Alert) -> bool:
    mine, theirs = dict(alert.labels), dict(by.labels)
    if by.kind == "provider_outage":
        bad = alert.kind in _BAD_CALLS or (alert.kind == "threshold" and alert.unit in _UNITS_OF_BAD_CALLS)
        return bad and mine.get("provider") == theirs["provider"]
    if by.kind == "ingest_silence":
        return alert.kind == "traffic_drop" or (alert.kind == "threshold" and alert.unit == "calls")
    if by.kind in _COST_MOVES and alert.kind == "spend_surge":
        return True
    if by.kind == "cost_runaway":
        here = all(mine.get(name) == theirs.get(name) for name in ("service", "feature"))
        return alert.kind == "traffic_surge" and here
    if by.kind == "budget":
        return alert.kind == "budget" and mine == theirs and alert.expected < by.expected
    return False
