"""Everything Apprise speaks to (an extra): a message for each change; it keeps no state of an incident."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from spanledger_collector.alerts.notify import Delivery
from spanledger_collector.alerts.notify.text import lines, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.alerts.state import Alert

URLS: Final = "SPANLEDGER_ALERT_APPRISE"


class Apprise:
    """Apprise says only whether all took it: what failed is tried again, a while."""

    name = "apprise"

    def __init__(self, sender: Any) -> None:
        self._sender = sender

    def send(self, alert: Alert) -> Delivery:
        return self.send_together([alert])

    def send_together(self, alerts: Sequence[Alert]) -> Delivery:
        kind = "failure" if alerts[0].state == "firing" else "success"
        try:
            taken = self._sender.notify(body="\n".join(lines(*alerts)), title=title(*alerts), notify_type=kind)
        except Exception as error:  # noqa: BLE001 - a plugin's own fault must not end the evaluation
            return Delivery(ok=False, retryable=False, detail=f"{type(error).__name__}: {error}")
        return Delivery(ok=bool(taken), retryable=not taken, detail="taken" if taken else "not taken by every service")


def from_environment(environment: Mapping[str, str]) -> Apprise | None:
    urls = environment.get(URLS, "").split()
    if not urls:
        return None
    try:
        library: Any = importlib.import_module("apprise")
    except ImportError as error:
        raise ValueError(f"{URLS} needs Apprise: pip install 'spanledger[apprise]'") from error
    sender = library.Apprise()
    if not all([sender.add(url) for url in urls]):  # noqa: C419 - each is added
        raise ValueError(f"{URLS} has an address that Apprise does not know; see `apprise --details`")
    return Apprise(sender)
