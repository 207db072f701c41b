"""The collector as a sidecar: the same listeners and the same log, and in place of a store another backend.

Nothing here imports the store, the price book or the queries: it starts within a second and stays small.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from spanledger._version import __version__
from spanledger_collector.backend import Backend
from spanledger_collector.counters import Counters
from spanledger_collector.data_directory import open_directory
from spanledger_collector.listeners import Listeners
from spanledger_collector.receivers.intake import Intake
from spanledger_collector.relay import Relay
from spanledger_collector.wal import Limits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from starlette.requests import Request

    from spanledger_collector.listeners import Endpoints
    from spanledger_collector.settings import Settings

SEGMENT_BYTES: Final = 2 * 2**20  # a segment is read whole
SEGMENT_AGE_S: Final = 0.1
IN_FLIGHT_BYTES: Final = 48 * 2**20
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


class Agent:
    """`open` it, `run` it until it is told to stop, then `close` it."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self._opened = contextlib.ExitStack()
        self.counters = Counters()
        self._endpoint = ""

    def open(self) -> None:
        """Bind, lock and open everything. Raises CannotStart, with nothing left open."""
        settings, counters = self._settings, self.counters
        with contextlib.ExitStack() as opened:
            self._listeners = Listeners(settings, opened)
            limits = Limits(SEGMENT_BYTES, SEGMENT_AGE_S, settings.log_bytes)
            directory = open_directory(settings.data, limits, counters, opened)
            self._log = directory.log
            backend = Backend(settings.forward, settings.forward_headers)
            self._relay = Relay(self._log, backend, directory.dead_letters, counters)
            intake = Intake(self._log.append, counters, keeps_metrics=True, in_flight_bytes=IN_FLIGHT_BYTES)
            self._listeners.compose(intake, self._api())
            self._opened = opened.pop_all()

    async def run(self, stop: asyncio.Event, ready: Callable[[Endpoints], None]) -> None:
        """Accept until `stop` is set, then pass on what was accepted. Raises CannotStart."""
        self._ready = ready
        await self._listeners.serve(stop, self)

    def close(self) -> None:
        """Give everything up; what the backend does not have stays in the log."""
        self._opened.close()

    def accepting(self, endpoints: Endpoints) -> None:
        self._relay.start()
        self._endpoint = endpoints.otlp_http
        self._ready(endpoints)

    def refusing(self) -> None:
        self._endpoint = ""

    def drain(self) -> None:
        self._log.seal()
        if not self._relay.drain(self._settings.drain_seconds):
            left = self._log.segments
            self._say(f"{left} log segments are not passed on yet; they are kept and sent at the next start")

    def _api(self) -> Starlette:
        async def alive(_: Request) -> Response:
            return PlainTextResponse("ok\n")

        async def ready(_: Request) -> Response:
            reason = self._not_ready()
            return PlainTextResponse(f"{reason or 'ok'}\n", 503 if reason else 200)

        async def metrics(_: Request) -> Response:
            return Response(self.counters.render(), media_type=PROMETHEUS)

        async def status(_: Request) -> Response:
            return JSONResponse(self._describe())

        paths = {"/healthz": alive, "/readyz": ready, "/metrics": metrics, "/api/v1/status": status}
        return Starlette(routes=[Route(path, answer) for path, answer in paths.items()])

    def _not_ready(self) -> str:
        if not self._endpoint:
            return "starting or stopping"
        if self._log.queued_bytes >= self._settings.log_bytes:
            return f"the log holds its limit of {self._settings.log_bytes} bytes: the backend does not take them"
        return ""

    def _describe(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "agent": True,
            "otlp_http": self._endpoint,
            "log": {
                "bytes": self._log.queued_bytes,
                "limit_bytes": self._settings.log_bytes,
                "segments": self._log.segments,
            },
            "counters": self.counters.snapshot(),
        }
