"""OTLP/gRPC: the Export services of OpenTelemetry, over grpc.aio. Requests are taken as bytes, as they came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from spanledger_collector.access import NO_TOKENS, told
from spanledger_collector.model import NotStored
from spanledger_collector.otlp import Unreadable

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from spanledger_collector.access import Tokens
    from spanledger_collector.receivers.intake import Intake
    from spanledger_collector.settings import Address
    from spanledger_collector.tls import Tls

Accept = Callable[[bytes], Awaitable["Message"]]
MAX_MESSAGE_BYTES: Final = 32 * 2**20  # unpacked
MAX_CALLS: Final = 256
SERVICE: Final = "opentelemetry.proto.collector.{0}.v1.{1}Service"
REFUSALS: Final = {
    "unknown": grpc.StatusCode.UNAUTHENTICATED,
    "other_scope": grpc.StatusCode.PERMISSION_DENIED,
}
OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # else a second collector would silently share the port
)


class PortTaken(Exception):
    """gRPC could not listen on the address."""


def create_server(
    intake: Intake, address: Address, tokens: Tokens = NO_TOKENS, tls: Tls | None = None
) -> tuple[grpc.aio.Server, int]:
    """A server that listens once it is started, and its port. Raises PortTaken."""
    server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
    accepts: tuple[tuple[str, str, Accept], ...] = (
        ("trace", "Trace", intake.traces),
        ("logs", "Logs", intake.logs),
        ("metrics", "Metrics", intake.metrics),
    )
    for package, name, accept in accepts:
        export: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _Export(intake, accept, tokens).__call__
        )
        services = grpc.method_handlers_generic_handler(SERVICE.format(package, name), {"Export": export})
        server.add_generic_rpc_handlers((services,))
    try:
        if tls:
            return server, server.add_secure_port(str(address), tls.of_grpc())
        return server, server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise PortTaken(str(error)) from error


class _Export:
    def __init__(self, intake: Intake, accept: Accept, tokens: Tokens) -> None:
        self._intake, self._accept, self._tokens = intake, accept, tokens

    async def __call__(self, body: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        metadata = dict(context.invocation_metadata() or ())
        verdict = self._tokens.judge(str(metadata.get("authorization", "")), "ingest")
        if verdict != "allowed":
            await self._refuse(context, REFUSALS[verdict], told(verdict, "ingest"))
        try:
            with self._intake.room() as hold:
                hold(len(body))
                answer = await self._accept(body)
        except Unreadable as error:
            await self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except NotStored as error:
            await self._refuse(context, grpc.StatusCode.UNAVAILABLE, str(error), _come_back(error))
        self._intake.answered("grpc", grpc.StatusCode.OK.name)
        return answer.SerializeToString()

    async def _refuse(self, context: Any, code: grpc.StatusCode, message: str, metadata: Any = ()) -> NoReturn:
        self._intake.answered("grpc", code.name)
        await context.abort(code, message, metadata)
        raise AssertionError("abort raises")


def _come_back(error: NotStored) -> tuple[tuple[str, bytes], ...]:
    """When to try again, in both places where exporters look for it."""
    seconds = int(error.retry_after_s)
    delay = RetryInfo(retry_delay=Duration(seconds=seconds, nanos=int((error.retry_after_s - seconds) * 1e9)))
    detail = AnyMessage()
    detail.Pack(delay)
    status = Status(code=UNAVAILABLE, message=str(error), details=[detail])
    return (
        ("grpc-status-details-bin", status.SerializeToString()),
        ("google.rpc.retryinfo-bin", delay.SerializeToString()),
    )
