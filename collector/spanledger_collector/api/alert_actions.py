"""Alert rules, silences, acknowledgements, channels and back-tests over HTTP."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.queries.parameter import WINDOW, Parameter

from .actions import Action
from .reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanledger_collector.alerts.anomalies import Anomalies
    from spanledger_collector.alerts.desk import AlertDesk

_TEXT: Final = {"type": "string"}
_AUTHOR: Final = {"type": "string", "description": "Who does this."}
_LABELS: Final = {"type": "object", "additionalProperties": _TEXT}
_RULE: Final = {
    "kind": {"type": "string", "enum": ["threshold", "burn_rate", "budget"]},
    "filters": _LABELS,
    "for": {"type": "string", "description": "How long it must fail before it fires: 30s, 5m, 1h or 3d."},
    "keep_firing_for": _TEXT,
    "owner": _TEXT,
    "runbook_url": _TEXT,
    "metric": {"enum": ["calls", "failures", "failure_share", "cost_usd", "cost_usd_per_call", "p95_ms"]},
    "above": {"type": "number"},
    "below": {"type": "number"},
    "window": _TEXT,
    "no_data": {"enum": ["keep", "zero", "alert"]},
    "objective": {"type": "number", "description": "Of a burn_rate: the share of calls that should succeed."},
    "usd": {"type": "number", "description": "Of a budget: US dollars a calendar month, UTC."},
    "share": {"type": "number"},
}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def alert_actions(desk: AlertDesk) -> tuple[Action, ...]:
    return (
        Action("GET", "/alerts/rules", "Every alert rule: built in, of the rule file, given over the API.", desk.rules),
        Action(
            "PUT",
            "/alerts/rules/{name}",
            "Add or replace an own rule; its fields are those of a rule file.",
            desk.put_rule,
            _object("author", "kind", author=_AUTHOR, **_RULE),
        ),
        Action("DELETE", "/alerts/rules/{name}", "Take an own rule back; its alerts end.", desk.remove_rule),
        *_silences(desk),
        Action(
            "POST",
            "/alerts/acknowledgements",
            "Say that someone has seen an alert that is on: it is told again only when it is over.",
            desk.acknowledge,
            _object("fingerprint", "author", fingerprint=_TEXT, author=_AUTHOR, note=_TEXT),
        ),
        Action("GET", "/alerts/channels", "The channels that are configured.", desk.channels),
        Action(
            "POST",
            "/alerts/channels/{name}/test",
            "Send a made-up alert, marked as a test, and its end to one channel.",
            desk.try_channel,
        ),
        Action(
            "POST",
            "/alerts/backtest",
            "When one rule would have fired on the stored history: one there is, or a draft.",
            desk.backtest,
            _object(
                rule=_TEXT,
                draft=_object("kind", name=_TEXT, **_RULE),
                days={"type": "integer", "minimum": 1, "maximum": 90, "default": 30},
            ),
        ),
    )


def _silences(desk: AlertDesk) -> tuple[Action, ...]:
    return (
        Action("GET", "/alerts/silences", "Silences that are on or to come, and whom they silence.", desk.silences),
        Action(
            "POST",
            "/alerts/silences",
            "Do not tell alerts whose labels, or rule as `rule`, match all of these, until a time.",
            desk.silence,
            _object(
                *("author", "matchers", "reason", "until"),
                author=_AUTHOR,
                matchers=_LABELS,
                reason=_TEXT,
                since={"type": "string", "description": "RFC 3339; now when absent."},
                until={"type": "string", "description": "RFC 3339, or a length from now: 2h, 3d."},
            ),
        ),
        Action("DELETE", "/alerts/silences/{id}", "End a silence now; it stays in the history.", desk.expire),
    )


_SERIES: Final = (
    "The hours of one service and feature as they were judged, at most two weeks: seen, expected, band, what was "
    "flagged, which part of the cost moved, and how to ask for the calls."
)


def alert_readings(anomalies: Anomalies) -> tuple[Reading, ...]:
    def series(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        start, end = (datetime.fromtimestamp(asked[name] // 10**9, timezone.utc) for name in ("from", "to"))
        return anomalies.series(asked["service"], asked["feature"], start, end)

    service = Parameter("service", "Of this service.", required=True)
    feature = Parameter("feature", "And this feature; without it, calls that name none.", default="")
    return (Reading("/alerts/anomalies", _SERIES, (service, feature, *WINDOW), series),)
