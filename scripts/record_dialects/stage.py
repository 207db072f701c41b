"""The provider simulator and an OTLP receiver on one loopback port, with a note of what each call really was."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scenarios import reply
from starlette.requests import Request
from starlette.responses import Response

from spanledger_collector.demo.provider_state import Conditions, ProviderState
from spanledger_collector.demo.simulator import create_app
from spanledger_collector.receivers.otlp_json import to_protobuf

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from typing_extensions import Self

    Json = dict[str, Any]

KINDS: Final[dict[str, type[Message]]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
_ID: Final = re.compile(rb'"(?:id|responseId)":\s*"((?:chatcmpl-|msg_|resp_|embd-)?[\w-]{8,})"')
_FINISH: Final = re.compile(rb'"(?:finish_reason|stop_reason|finishReason)":\s*"(\w+)"')


@dataclass(slots=True)
class Scene:
    """One scenario as it was played: the calls the provider answered and the OTLP that came meanwhile."""

    name: str
    calls: list[Json] = field(default_factory=list)
    exports: list[Json] = field(default_factory=list)


class Stage:
    """A context manager; programs announce scenarios at ``/_stage/begin/API/NAME`` and ``/_stage/end``."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.unplaced: list[str] = []  # paths nobody serves, for the curious
        self._state = ProviderState(Conditions())
        self._simulator = create_app(state=self._state)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self._serve, log_config=None, access_log=False, interface="asgi3", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([self._socket])), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        path = str(scope.get("path", ""))
        if path.startswith("/_stage/"):
            self._turn(path.split("/")[2:])
            await Response()(scope, receive, send)
        elif kind := next((kind for end, kind in KINDS.items() if path.endswith(end)), None):
            await self._export(kind, Request(scope, receive))
            await Response()(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    def _turn(self, words: list[str]) -> None:
        if words[0] == "begin":
            self._state.clear()
            if words[1] != "none":
                self._state.add_script([reply(words[1], words[2])] * int(words[3]))
            self.scenes.append(Scene(words[-1]))

    async def _export(self, kind: type[Message], request: Request) -> None:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if "json" in request.headers.get("content-type", ""):
            body = to_protobuf(body, kind())
        if self.scenes:
            self.scenes[-1].exports.append(MessageToDict(kind.FromString(body)))

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        asked, said = bytearray(), bytearray()
        status = 0

        async def hear() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def tell(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            said.extend(message.get("body", b""))
            await send(message)

        await self._simulator(scope, hear, tell)
        if status == 404 and b'"error"' not in said:  # noqa: PLR2004 - no such page
            self.unplaced.append(f"{scope.get('method')} {scope['path']}")
        elif self.scenes and scope["type"] == "http":
            self.scenes[-1].calls.append(_simulated(scope["path"], status, bytes(asked), bytes(said)))


def _simulated(path: str, status: int, asked: bytes, said: bytes) -> Json:
    body = json.loads(asked or b"{}")
    ids, reasons = _ID.findall(said), _FINISH.findall(said)
    in_path = re.search(r"/models/([^:/]+)", path)
    return {
        "path": path,
        "status": status,
        "model": body.get("model") or (in_path[1] if in_path else ""),
        "stream": bool(body.get("stream")) or ":stream" in path,
        "response_id": ids[0].decode() if ids and status < 400 else "",  # noqa: PLR2004
        "finish_reason": reasons[-1].decode() if reasons else "",
        "usage": _usage(said),
    }


def _usage(said: bytes) -> Json:
    """The usage the provider told, its events' taken together: of each count the last word."""
    found: Json = {}
    for text in re.findall(rb'"(?:usage|usageMetadata)":\s*(\{(?:[^{}]|\{[^{}]*\})*\})', said):
        found |= json.loads(text)
    return found
