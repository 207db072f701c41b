"""What happens to a request whatever it came in by: judge it, make it durable, count it, then answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spanledger_collector import otlp
from spanledger_collector.model import NotStored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from spanledger_collector.counters import Counters

Response = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse
IN_FLIGHT_BYTES: Final = 256 * 2**20  # of requests being read or waiting for their fsync, all connections together
BUSY_RETRY_S: Final = 1.0


class Append(Protocol):
    """The write-ahead log, as a receiver knows it."""

    def __call__(self, received_ns: int, body: bytes) -> Future[None]:
        """Done once the request is durable; raises or fails with NotStored."""


class Intake:
    """Accepts trace requests; answers logs and metrics with the truth, that they are not kept."""

    def __init__(self, append: Append, counters: Counters) -> None:
        self._append = append
        self._counters = counters
        self._in_flight = 0

    async def traces(self, body: bytes) -> ExportTraceServiceResponse:
        """Return once every accepted span is durable. Raises otlp.Unreadable and NotStored."""
        began, received_ns = time.perf_counter(), time.time_ns()
        checked = otlp.check(body, received_ns)
        if checked.accepted:
            await self._keep(received_ns, body)
        self._counters.add("spanledger_spans_received_total", checked.accepted)
        for reason, count in checked.refused.items():
            self._counters.add("spanledger_spans_refused_total", count, reason=reason)
        self._counters.observe("spanledger_ack_seconds", time.perf_counter() - began)
        answer = ExportTraceServiceResponse()
        if checked.refused:
            answer.partial_success.rejected_spans = sum(checked.refused.values())
            answer.partial_success.error_message = checked.message
        return answer

    async def logs(self, body: bytes) -> ExportLogsServiceResponse:
        """Raises otlp.Unreadable."""
        request = otlp.parse(ExportLogsServiceRequest, body)
        count = sum(len(scope.log_records) for res in request.resource_logs for scope in res.scope_logs)
        answer = ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = self._not_kept("log_records", count)
        answer.partial_success.error_message = "Spanledger keeps traces only: set OTEL_LOGS_EXPORTER=none here"
        return answer

    async def metrics(self, body: bytes) -> ExportMetricsServiceResponse:
        """Raises otlp.Unreadable. A metric counts as one data point: it is refused whole."""
        request = otlp.parse(ExportMetricsServiceRequest, body)
        count = sum(len(scope.metrics) for res in request.resource_metrics for scope in res.scope_metrics)
        answer = ExportMetricsServiceResponse()
        answer.partial_success.rejected_data_points = self._not_kept("metrics", count)
        answer.partial_success.error_message = "Spanledger keeps traces only: set OTEL_METRICS_EXPORTER=none here"
        return answer

    @contextmanager
    def room(self) -> Iterator[Callable[[int], None]]:
        """Gives a function that holds memory for bytes of a request, and frees all of it at the end.

        That function raises NotStored when too many requests are being read at once.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._in_flight + size > IN_FLIGHT_BYTES:
                self._counters.add("spanledger_log_failures_total", reason="busy")
                raise NotStored("busy", f"more than {IN_FLIGHT_BYTES} bytes of requests are in flight", BUSY_RETRY_S)
            held += size
            self._in_flight += size

        try:
            yield hold
        finally:
            self._in_flight -= held

    def answered(self, transport: str, code: int | str) -> None:
        self._counters.add("spanledger_requests_total", transport=transport, code=str(code))

    async def _keep(self, received_ns: int, body: bytes) -> None:
        try:
            await asyncio.wrap_future(self._append(received_ns, body))
        except NotStored as refusal:
            self._counters.add("spanledger_log_failures_total", reason=refusal.reason)
            raise

    def _not_kept(self, reason: str, count: int) -> int:
        self._counters.add("spanledger_spans_refused_total", count, reason=reason)
        return count
