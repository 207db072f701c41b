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
_FAILING: Final = frozenset({"failure_spike", "rate_limit_storm", "validation_spike"})
_UNITS_OF_BAD_CALLS: Final = frozenset({"failures", "failure_share", "p95_ms"})


def inhibited(alerts: Sequence[Alert]) -> Mapping[str, str]:
    """Fingerprints of firing alerts to those of the alerts that say it already.

    A provider that is down explains failing and slow calls there, silence explains missing calls, a runaway a surge of
    its place, a budget that is used up the warning before it. What moved the money is told at its place, so spend by
    team and provider is told where nothing else explains it; so is a user, where nothing is wrong at the service.
    """
    firing = [alert for alert in alerts if alert.state == "firing"]
    pairs = ((one, by) for one in firing for by in firing if one is not by and _follows(one, by))
    return {one.fingerprint: by.fingerprint for one, by in pairs}


def _follows(alert: Alert, by: Alert) -> bool:
    mine, theirs = dict(alert.labels), dict(by.labels)
    if alert.kind.startswith("user_"):
        return mine["service"] == theirs.get("service") and _says_of_a_user(alert, by)
    if by.kind == "provider_outage":
        bad = alert.kind in _BAD_CALLS or (alert.kind == "threshold" and alert.unit in _UNITS_OF_BAD_CALLS)
        return bad and mine.get("provider") == theirs["provider"]
    if by.kind == "ingest_silence":
        return alert.kind == "traffic_drop" or (alert.kind == "threshold" and alert.unit == "calls")
    if alert.kind == "spend_surge":
        return by.kind in _COST_MOVES or _is_most_of(by, alert)
    if by.kind == "cost_runaway":
        here = all(mine.get(name) == theirs.get(name) for name in ("service", "feature"))
        return alert.kind == "traffic_surge" and here
    return by.kind == alert.kind == "budget" and mine == theirs and alert.expected < by.expected


def _says_of_a_user(alert: Alert, by: Alert) -> bool:
    """What is wrong at the service, or with the same user's money."""
    if alert.kind == "user_failure_spike":
        return by.kind in _FAILING
    dearer = (alert.kind, by.kind) == ("user_traffic_surge", "user_cost_runaway")
    return by.kind in _COST_MOVES or (dearer and alert.labels == by.labels)


def _is_most_of(user: Alert, surge: Alert) -> bool:
    """Whether one user made most of what a team or provider spent beyond the usual."""
    return user.kind == "user_cost_runaway" and 2 * (user.seen - user.expected) >= surge.seen - surge.expected
