"""A made-up alert, marked as a test, and its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.alerts.state import Alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


def made_up(now: datetime) -> Iterator[Alert]:
    firing = Alert(
        rule="test",
        kind="test",
        labels=(("service", "test"),),
        state="firing",
        since=now,
        fired_at=now,
        last_failing=now,
        calls=0,
        seen=0.0,
        expected=0.0,
        summary="This is a test of the channel: nothing is wrong",
        basis="spanledger alerts test",
    )
    yield firing
    yield replace(firing, state="resolved", resolved_at=now)
