"""OTLP/HTTP: POST /v1/traces, logs, metrics; protobuf or JSON; plain, gzip or zstd. Errors carry google.rpc.Status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToJson
from google.rpc.code_pb2 import INVALID_ARGUMENT, OUT_OF_RANGE, UNAVAILABLE, UNIMPLEMENTED
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from spanledger_collector.model import NotStored
from spanledger_collector.otlp import NOTHING, Checked, Unreadable
from spanledger_collector.receivers.compression import ENCODINGS, Body, NotCompressed, TooLarge
from spanledger_collector.receivers.otlp_json import read

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from spanledger_collector.receivers.intake import Intake

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
Accept = Callable[[bytes, Checked], Awaitable["Message"]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request."""

    wire_bytes: int = 16 * 2**20
    unpacked_bytes: int = 32 * 2**20
    read_seconds: float = 30.0


class _Refusal(Exception):
    def __init__(self, status: int, code: int, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s


def create_app(intake: Intake, limits: Limits = Limits()) -> Starlette:
    """The OTLP/HTTP listener's application."""
    signals: tuple[tuple[str, type[Message], Accept], ...] = (
        ("/v1/traces", ExportTraceServiceRequest, intake.traces),
        ("/v1/logs", ExportLogsServiceRequest, intake.logs),
        ("/v1/metrics", ExportMetricsServiceRequest, intake.metrics),
    )
    routes = [Route(path, _Export(intake, kind, accept, limits), methods=["POST"]) for path, kind, accept in signals]
    return Starlette(routes=[*routes, Route("/healthz", _healthy)])


class _Export:
    def __init__(self, intake: Intake, kind: type[Message], accept: Accept, limits: Limits) -> None:
        self._intake, self._kind, self._accept, self._limits = intake, kind, accept, limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            response = _reply(200, await self._answer(request, content_type), content_type)
        except _Refusal as refusal:
            response = _refuse(refusal, content_type)
        except ClientDisconnect:
            self._intake.answered("http", "disconnected")
            return
        self._intake.answered("http", response.status_code)
        await response(scope, receive, send)

    async def _answer(self, request: Request, content_type: str) -> Message:
        if content_type not in (PROTOBUF, JSON):
            raise _Refusal(415, UNIMPLEMENTED, f"content type {content_type!r} is not {PROTOBUF} or {JSON}")
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise _Refusal(415, UNIMPLEMENTED, f"content encoding {encoding!r} is not gzip, zstd, deflate or identity")
        try:
            with self._intake.room() as hold:
                body = await asyncio.wait_for(self._read(request, encoding, hold), self._limits.read_seconds)
                return await self._accept(*(read(body, self._kind) if content_type == JSON else (body, NOTHING)))
        except (NotCompressed, Unreadable) as error:
            raise _Refusal(400, INVALID_ARGUMENT, str(error)) from error
        except TooLarge as error:
            raise _Refusal(413, OUT_OF_RANGE, str(error)) from error
        except asyncio.TimeoutError as error:
            raise _Refusal(408, UNAVAILABLE, f"no whole body within {self._limits.read_seconds} s") from error
        except NotStored as error:
            raise _Refusal(503, UNAVAILABLE, str(error), error.retry_after_s) from error

    async def _read(self, request: Request, encoding: str, hold: Callable[[int], None]) -> bytes:
        body = Body(encoding, self._limits.wire_bytes, self._limits.unpacked_bytes)
        body.expect(request.headers.get("content-length", ""))
        async for piece in request.stream():
            hold(body.feed(piece))
        return body.finish()


def _reply(status: int, message: Message, content_type: str, headers: dict[str, str] | None = None) -> Response:
    if content_type == JSON:
        return Response(MessageToJson(message, indent=None), status, headers, JSON)
    return Response(message.SerializeToString(), status, headers, PROTOBUF)


def _refuse(refusal: _Refusal, content_type: str) -> Response:
    headers = {"retry-after": str(max(1, round(refusal.retry_after_s)))} if refusal.retry_after_s else None
    return _reply(refusal.status, Status(code=refusal.code, message=refusal.message), content_type, headers)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")
