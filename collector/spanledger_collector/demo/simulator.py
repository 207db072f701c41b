"""Model providers on loopback: the real SDKs cannot tell, and nobody pays.

``APIS`` lists them, each in a file of its own that names its endpoints and its base URL; ``Simulator.base_urls`` gives
the base URLs as the SDKs take them. A token is four characters, the same request gets the same text, and the model
named in a reply is the one asked for. POST /_simulator/script queues replies (``?key=`` for one API key), GET or DELETE
/_simulator/requests reads or forgets what arrived. Needs Starlette and uvicorn only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanledger_collector.demo import (
    anthropic_api,
    azure_api,
    bedrock_api,
    cohere_api,
    compatible_api,
    gemini_api,
    groq_api,
    mistral_api,
    ollama_api,
    openai_api,
)
from spanledger_collector.demo.provider_state import ANY_KEY, Conditions, ProviderState, RecordedRequest
from spanledger_collector.demo.script import ScriptInvalid
from spanledger_collector.demo.service_desk import ConnectionCut, ServiceDesk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from starlette.requests import Request
    from typing_extensions import Self

    from spanledger_collector.demo.provider_api import ProviderApi

APIS: tuple[ProviderApi, ...] = (
    openai_api.API,
    azure_api.API,
    *compatible_api.APIS,
    anthropic_api.API,
    gemini_api.API,
    gemini_api.VERTEX,
    mistral_api.API,
    cohere_api.API,
    groq_api.API,
    ollama_api.API,
    bedrock_api.API,
)
START_S = 20.0


class _CutsUnlogged(logging.Filter):
    """A connection cut on purpose is no error of the server's."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ConnectionCut))


def create_app(conditions: Conditions | None = None, state: ProviderState | None = None) -> Starlette:
    """The simulator as an ASGI application."""
    state = state or ProviderState(conditions or Conditions())
    server_log = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, _CutsUnlogged) for each in server_log.filters):
        server_log.addFilter(_CutsUnlogged())
    control = _Control(state)
    desks = [
        Route(api.mount + path, ServiceDesk(state, api, answer).serve, methods=[method])
        for api in APIS
        for method, endpoints in (("POST", api.endpoints), ("GET", api.reads))
        for path, answer in endpoints.items()
    ]
    return Starlette(
        routes=[
            *desks,
            Route("/_simulator/script", control.script, methods=["POST"]),
            Route("/_simulator/requests", control.read, methods=["GET"]),
            Route("/_simulator/requests", control.forget, methods=["DELETE"]),
        ]
    )


class _Control:
    def __init__(self, state: ProviderState) -> None:
        self._state = state

    async def script(self, request: Request) -> Response:
        try:
            replies = json.loads(await request.body())
            if not isinstance(replies, list):
                raise ScriptInvalid("a script is a list of replies: wrap it in [ ]")
            queued = self._state.add_script(replies, request.query_params.get("key", ANY_KEY))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": {"code": "bad_script", "message": str(error)}}, 400)
        return JSONResponse({"queued": queued})

    async def read(self, _: Request) -> Response:
        seen = [
            {"method": r.method, "path": r.path, "headers": r.headers, "body": r.body.decode(errors="replace")}
            for r in list(self._state.requests)
        ]
        return JSONResponse(seen)

    async def forget(self, _: Request) -> Response:
        self._state.clear()
        return Response(status_code=204)


def _listen(port: int) -> socket.socket:
    """Naming the protocol lets asyncio turn off Nagle, which otherwise delays each reply by 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


class Simulator:
    """The simulator in a thread of its own on a loopback port; a context manager.

    Raises OSError when the port is taken.
    """

    def __init__(self, conditions: Conditions | None = None, port: int = 0) -> None:
        self._state = ProviderState(conditions or Conditions())
        self._socket = _listen(port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.base_urls = {api.name: self.url + api.base for api in APIS}
        app = create_app(state=self._state)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", loop="asyncio", http="h11", timeout_keep_alive=75
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="provider-simulator", daemon=True)
        self._thread.start()
        self._wait_until_started()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def _wait_until_started(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the provider simulator did not start on {self.url} within {START_S:.0f} s")
            time.sleep(0.005)

    def script(self, replies: Iterable[object], key: str = ANY_KEY) -> None:
        """Queue replies for the next requests, in order. Raises ScriptInvalid."""
        self._state.add_script(replies, key)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What arrived, oldest first."""
        return list(self._state.requests)

    def clear(self) -> None:
        """Forget the requests seen and what is left of the script."""
        self._state.clear()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it without waiting for replies under way. Safe to call twice."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(START_S)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
