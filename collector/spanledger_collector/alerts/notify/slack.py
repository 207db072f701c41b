"""Slack: a message of blocks to an incoming webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.notify.http import address, encoded, post
from spanledger_collector.alerts.notify.text import lines, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.alerts.notify import Delivery
    from spanledger_collector.alerts.state import Alert

URL: Final = "SPANLEDGER_ALERT_SLACK_WEBHOOK"
_COLOURS: Final = {"firing": "#d64545", "resolved": "#2f9e6e"}
_MOST: Final = 2900  # characters of a section; Slack takes 3000


class Slack:
    name = "slack"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, alert: Alert) -> Delivery:
        return self.send_together([alert])

    def send_together(self, alerts: Sequence[Alert]) -> Delivery:
        return post(self._url, encoded(message(*alerts)))


def message(*alerts: Alert) -> dict[str, Any]:
    """What is shown in the list of notifications as ``text``, and the blocks of the message itself."""
    headline = title(*alerts)
    body = "\n".join(_escaped(line) for line in lines(*alerts))[:_MOST]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": headline[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": body}},
    ]
    return {
        "text": f"{headline}: {alerts[0].summary}"[:_MOST],
        "attachments": [{"color": _COLOURS.get(alerts[0].state, "#888888"), "blocks": blocks}],
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def from_environment(environment: Mapping[str, str]) -> Slack | None:
    url = environment.get(URL, "").strip()
    return Slack(address(URL, url, "https://hooks.slack.com/services/...")) if url else None
