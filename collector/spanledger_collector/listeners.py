"""The three listeners of a collector: bound together, opened together, closed in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spanledger_collector.access import guarded
from spanledger_collector.listener import CannotStart, Listener, bind
from spanledger_collector.receivers.grpc import PortTaken, create_server
from spanledger_collector.receivers.http import create_app as create_otlp
from spanledger_collector.settings import Address

if TYPE_CHECKING:
    import contextlib
    import socket

    import grpc.aio
    from starlette.types import ASGIApp

    from spanledger_collector.receivers.intake import Intake
    from spanledger_collector.settings import Settings

GRPC_GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running collector listens."""

    otlp_http: str
    otlp_grpc: str
    api: str


class Serving(Protocol):
    """What is told when; only the first of them raises, and the others follow all the same."""

    def accepting(self, endpoints: Endpoints) -> None:
        """The listeners are up. Raises CannotStart."""

    def refusing(self) -> None:
        """Nothing new is taken from here on."""

    def drain(self) -> None:
        """Work off what was taken, for a while."""


class Listeners:
    """Binds when made, so that a busy port is known before anything is opened. Raises CannotStart."""

    def __init__(self, settings: Settings, opened: contextlib.ExitStack) -> None:
        self._settings = settings
        self._otlp_socket = opened.enter_context(bind("OTLP/HTTP", "--otlp-http HOST:PORT", settings.otlp_http))
        self._api_socket = opened.enter_context(bind("API", "--api HOST:PORT", settings.api))
        if settings.otlp_grpc.port:  # gRPC binds for itself, later, and says little about why it cannot
            bind("OTLP/gRPC", "--otlp-grpc HOST:PORT", settings.otlp_grpc).close()

    def compose(self, intake: Intake, api: ASGIApp) -> None:
        """What they serve."""
        tokens, tls = self._settings.tokens, self._settings.tls
        self._intake = intake
        self._otlp = Listener(guarded(create_otlp(intake), tokens, "ingest"), tls)
        self._api = Listener(guarded(api, tokens), tls)

    async def serve(self, stop: asyncio.Event, service: Serving) -> None:
        """Accept until `stop` is set or a listener ends; then refuse, drain in a thread, and close the API last.
        Drained is whatever the end is, or threads would outlive the store. Raises CannotStart.
        """
        server, endpoints = self._grpc()
        await server.start()
        otlp = asyncio.create_task(self._otlp.serve(sockets=[self._otlp_socket]))
        api = asyncio.create_task(self._api.serve(sockets=[self._api_socket]))
        try:
            service.accepting(endpoints)
            await asyncio.wait({otlp, api, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            service.refusing()
            self._otlp.should_exit = True
            try:
                await asyncio.gather(otlp, server.stop(GRPC_GRACE_S))
            finally:
                await asyncio.to_thread(service.drain)
                self._api.should_exit = True
                await api

    def _grpc(self) -> tuple[grpc.aio.Server, Endpoints]:
        settings, address = self._settings, self._settings.otlp_grpc
        try:
            server, port = create_server(self._intake, address, settings.tokens, settings.tls)
        except PortTaken as error:
            raise CannotStart(
                f"OTLP/gRPC cannot listen on {address}: {error}. Choose another one with --otlp-grpc"
            ) from error
        scheme = "https" if settings.tls else "http"
        return server, Endpoints(
            otlp_http=f"{scheme}://{_bound(self._otlp_socket)}",
            otlp_grpc=f"{scheme}://{Address(address.host, port)}",
            api=f"{scheme}://{_bound(self._api_socket)}",
        )


def _bound(listening: socket.socket) -> Address:
    host, port = listening.getsockname()[:2]
    return Address(host, port)
