"""Where alerts are told. A notifier is one file here and one line in ``configured``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.alerts.state import Alert


@dataclass(frozen=True, slots=True)
class Delivery:
    """``retryable`` tells a temporary failure (try again) from a permanent one (the receiver will never take it)."""

    ok: bool
    retryable: bool
    detail: str


class Notifier(Protocol):
    """``name`` identifies the receiver in the notification log. ``send`` answers within seconds and never raises."""

    @property
    def name(self) -> str: ...

    def send(self, alert: Alert) -> Delivery: ...


@runtime_checkable
class Messenger(Notifier, Protocol):
    """For people: alerts of one rule that change in the same moment are one message, not forty."""

    def send_together(self, alerts: Sequence[Alert]) -> Delivery: ...


def configured(environment: Mapping[str, str]) -> tuple[Notifier, ...]:
    """The notifiers named by ``SPANLEDGER_ALERT_*``; raises ValueError for a setting that cannot work."""
    from spanledger_collector.alerts.notify import alertmanager, apprise, pagerduty, slack, smtp, webhook

    channels = (webhook, slack, smtp, pagerduty, alertmanager, apprise)
    return tuple(one for one in (channel.from_environment(environment) for channel in channels) if one)
