"""However the listeners end, what works behind them is stopped before anything is closed."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette

from spanledger_collector.counters import Counters
from spanledger_collector.listener import CannotStart
from spanledger_collector.listeners import Listeners
from spanledger_collector.receivers.intake import Intake
from spanledger_collector.settings import Address, Settings

FREE = Address("127.0.0.1", 0)


class Told:
    """Remembers what it was told; `fails` when the listeners are up."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.events: list[str] = []
        self._fails = fails

    def accepting(self, _) -> None:
        self.events.append("accepting")
        if self._fails:
            raise self._fails

    def refusing(self) -> None:
        self.events.append("refusing")

    def drain(self) -> None:
        self.events.append("drain")


def serve(tmp_path, service, spoil=lambda listeners: None):
    settings = Settings(tmp_path, "chdb://", otlp_http=FREE, otlp_grpc=FREE, api=FREE)
    with ExitStack() as opened:
        listeners = Listeners(settings, opened)
        listeners.compose(Intake(None, Counters()), Starlette())
        spoil(listeners)
        asyncio.run(listeners.serve(asyncio.Event(), service))


def test_a_start_that_fails_halfway_is_taken_back(tmp_path):
    service = Told(CannotStart("no thread left"))
    with pytest.raises(CannotStart, match="no thread left"):
        serve(tmp_path, service)
    assert service.events == ["accepting", "refusing", "drain"]


def test_a_listener_that_breaks_takes_the_rest_down_in_order(tmp_path):
    async def broken(**_):
        raise OSError("the socket is gone")

    service = Told()
    with pytest.raises(OSError, match="the socket is gone"):
        serve(tmp_path, service, lambda listeners: setattr(listeners._otlp, "serve", broken))
    assert service.events == ["accepting", "refusing", "drain"]
