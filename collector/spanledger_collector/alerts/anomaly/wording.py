"""An incident in words and labels: what is wrong, what was expected, and which rule says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.anomaly.deploys import Deploy
    from spanledger_collector.alerts.anomaly.facts import Places
    from spanledger_collector.alerts.anomaly.signal import Scope, Signal

RULES: Final[Mapping[str, str]] = {
    "failure_spike": "failures of one type, 5 minutes to 3 hours, against the cell's own rate of the last weeks",
    "rate_limit_storm": "refusals for too many requests, 5 minutes to 3 hours, against the cell's own rate",
    "validation_spike": "replies that fail validation, 5 minutes to 3 hours, against the cell's own rate",
    "provider_outage": "most busy cells of a provider, of several services, fail at once",
    "traffic_drop": "calls against the same hour of week at the recent level, at most half of it",
    "traffic_surge": "calls against the same hour of week at the recent level, at least half as many again",
    "cost_runaway": "a surge of calls of which one user makes most, far beyond that user's own pace",
    "ingest_silence": "no call of anybody where some were certain",
    "model_switch_cost": "another model answers, and the same tokens would have cost less before",
    "price_change": "the bill against the same tokens at the prices of the last weeks",
    "unpriced_model": "calls with usage whose model has no price",
    "cache_collapse": "calls that read the prompt cache, 5 minutes to 6 hours, against the cell's own share",
    "latency_regression": "mean log duration at equal length of answer, 10 minutes to 6 hours, against the cell's own",
    "first_chunk_regression": "mean log time to the first chunk, 10 minutes to 6 hours, against the cell's own",
    "prompt_creep": "mean log input tokens of 6 hours to a week against the weeks before",
    "answer_growth": "mean log output tokens of 6 hours to a week against the weeks before",
}
"""Every kind there is, and what it compares."""
_FEW: Final = 0.01
_MANY: Final = 10


def labels(signal: Signal, places: Places) -> dict[str, str]:
    """Where it is, and what it is about: the identity of the alert."""
    return _where(signal.scope, places) | dict(signal.dimension)


def scope_name(scope: Scope, places: Places) -> str:
    """``service/feature/model``, with stars for what it is not about."""
    where = _where(scope, places)
    return "/".join(where.get(name, "*") for name in ("service", "feature", "model"))


def summary(signal: Signal) -> str:
    """One sentence with what was seen, of how many, over what time, and what was expected."""
    period = _period(signal.minutes)
    if signal.unit == "failures":
        name = signal.dimension.get("error_type", "errors")
        return (
            f"{signal.seen:,.0f} of {signal.of:,.0f} calls failed in the last {period} with {name} "
            f"({signal.seen / max(signal.of, 1):.0%}); {_expected(signal.expected)} were expected"
        )
    if signal.unit == "calls":
        who = "".join(f", most by {_driver(*each)}" for each in signal.dimension.items())
        why = f"; {signal.why}" if signal.why else ""
        return f"{signal.seen:,.0f} calls in the last {period}{who}; {_expected(signal.expected)} were expected{why}"
    if signal.unit == "US dollars":
        why = f"{signal.why}: " if signal.why else ""
        return (
            f"{why}${signal.seen:,.4f} in the last {period} for what would have cost ${signal.expected:,.4f} "
            f"({signal.seen / max(signal.expected, 1e-12):.1f} times as much)"
        )
    if signal.expected == 1.0:
        return f"{signal.of:,.0f} calls in the last {period} took {signal.seen:.2f} {signal.unit}"
    seen = f"{signal.seen:,.0f} {signal.unit} in the last {period} ({signal.of:,.0f} calls)"
    return f"{seen}; {_expected(signal.expected)} were expected"


def _expected(count: float) -> str:
    """Two digits of a small number: where a third of a call was expected, none is not what to say."""
    if count < _FEW:
        return "almost none"
    return f"{count:,.0f}" if count >= _MANY else f"{count:.2g}"


def _driver(name: str, value: str) -> str:
    """Of a calling line the last folder and file: the whole path is in the alert's labels."""
    return f"{name.replace('_', ' ')} {'/'.join(value.split('/')[-2:]) if name == 'call_site' else value}"


def since_deploy(deploy: Deploy | None) -> str:
    """Which version it may be due to; nothing where none is known."""
    if deploy is None:
        return ""
    return f"; version {deploy.version} took over from {deploy.before} at {deploy.at:%Y-%m-%d %H:%M} UTC"


def _where(scope: Scope, places: Places) -> dict[str, str]:
    if scope.level == "cell":
        return list(places.cells)[scope.place]._asdict()
    if scope.level == "group":
        service, feature = list(places.groups)[scope.place]
        return {"service": service, "feature": feature}
    return {"provider": scope.provider} if scope.level == "provider" else {}


def _period(minutes: int) -> str:
    if minutes < 120:  # noqa: PLR2004
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
