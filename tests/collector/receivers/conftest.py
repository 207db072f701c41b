"""Both OTLP listeners on free ports over a real log, without a store behind them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from spanledger_collector import wal
from spanledger_collector.access import Tokens, guarded
from spanledger_collector.counters import Counters
from spanledger_collector.listener import Listener, bind
from spanledger_collector.receivers.grpc import create_server
from spanledger_collector.receivers.http import Limits, create_app
from spanledger_collector.receivers.intake import Intake
from spanledger_collector.settings import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FREE = Address("127.0.0.1", 0)
LIMITS, LOG_LIMITS = Limits(), wal.Limits()


@dataclass
class Listening:
    http: str
    grpc: str
    log: wal.Log
    counters: Counters

    def bodies(self, signal: str = "traces") -> list[bytes]:
        """Every request of a kind that the log holds, after which it takes no more."""
        self.log.seal()
        bodies = []
        while segment := self.log.take(0):
            bodies += [record.body for record in wal.records(segment.read()) if record.signal == signal]
            self.log.discard(segment)
        return bodies


async def _serve(listener: Listener, sock, server, stop: asyncio.Event) -> None:
    await server.start()
    serving = asyncio.create_task(listener.serve(sockets=[sock]))
    await stop.wait()
    listener.should_exit = True
    await asyncio.gather(serving, server.stop(1))


@contextmanager
def listening(
    directory: Path, token: str = "", tls=None, limits: Limits = LIMITS, log_limits: wal.Limits = LOG_LIMITS, **kwargs
):
    loop = asyncio.new_event_loop()
    tokens = Tokens(token)
    counters, log = Counters(), wal.Log(directory, log_limits)
    intake = Intake(log.append, counters, **kwargs)
    sock = bind("OTLP/HTTP", "--otlp-http HOST:PORT", FREE)
    asyncio.set_event_loop(loop)
    server, port = create_server(intake, FREE, tokens, tls)
    stop = asyncio.Event()
    listener = Listener(guarded(create_app(intake, limits), tokens, "ingest"), tls)
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(listener, sock, server, stop),))
    thread.start()
    try:
        yield Listening(
            f"http{'s' if tls else ''}://127.0.0.1:{sock.getsockname()[1]}", f"127.0.0.1:{port}", log, counters
        )
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        asyncio.set_event_loop(None)
        loop.close()
        log.close()
        sock.close()


@pytest.fixture
def listen(tmp_path) -> Iterator[Callable[..., Listening]]:
    with ExitStack() as stack:
        yield lambda **kwargs: stack.enter_context(listening(tmp_path / "wal", **kwargs))
