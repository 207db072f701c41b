"""What happens to a request whatever it came in by: judge it, make it durable, count it, then answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spanledger_collector import otlp, otlp_logs, otlp_metrics
from spanledger_collector.model import NotStored
from spanledger_collector.otlp import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    from spanledger_collector.counters import Counters
    from spanledger_collector.model import Signal
    from spanledger_collector.otlp import Checked

Response = ExportTraceServiceResponse | ExportLogsServiceResponse | ExportMetricsServiceResponse
IN_FLIGHT_BYTES: Final = 256 * 2**20  # of requests being read or waiting for their fsync, all connections together
BUSY_RETRY_S: Final = 1.0
UNITS: Final[Mapping[Signal, str]] = {"traces": "spans", "logs": "log_records", "metrics": "data_points"}
METRICS_NOT_KEPT: Final = (
    "accepted, but not kept: Spanledger reads its figures from spans. Set OTEL_METRICS_EXPORTER=none to save traffic"
)


class Append(Protocol):
    """The write-ahead log, as a receiver knows it."""

    def __call__(self, received_ns: int, body: bytes, signal: Signal) -> Future[None]:
        """Done once the request is durable; raises or fails with NotStored."""


class Intake:
    """Accepts spans and log records; metrics only where they are passed on, else it says that it does not keep them.

    `unread` is what was refused before there were bytes: it is counted and told with what is refused here.
    """

    def __init__(
        self, append: Append, counters: Counters, *, keeps_metrics: bool = False, in_flight_bytes: int = IN_FLIGHT_BYTES
    ) -> None:
        self._append = append
        self._in_flight_bytes = in_flight_bytes
        self._counters = counters
        self._keeps_metrics = keeps_metrics
        self._in_flight = 0

    async def traces(self, body: bytes, unread: Checked = NOTHING) -> ExportTraceServiceResponse:
        """Return once every accepted span is durable. Raises otlp.Unreadable and NotStored."""
        checked = await self._accept("traces", body, otlp.check, unread)
        answer = ExportTraceServiceResponse()
        if checked.refused:
            answer.partial_success.rejected_spans = sum(checked.refused.values())
            answer.partial_success.error_message = checked.message
        return answer

    async def logs(self, body: bytes, unread: Checked = NOTHING) -> ExportLogsServiceResponse:
        """Return once every accepted log record is durable. Raises otlp.Unreadable and NotStored."""
        checked = await self._accept("logs", body, otlp_logs.check, unread)
        answer = ExportLogsServiceResponse()
        if checked.refused:
            answer.partial_success.rejected_log_records = sum(checked.refused.values())
            answer.partial_success.error_message = checked.message
        return answer

    async def metrics(self, body: bytes, unread: Checked = NOTHING) -> ExportMetricsServiceResponse:
        """Data points are passed on where there is somebody to pass them to. Raises otlp.Unreadable and NotStored."""
        answer = ExportMetricsServiceResponse()
        if self._keeps_metrics:
            await self._accept("metrics", body, otlp_metrics.check, unread)
        else:
            self._counters.add("spanledger_data_points_not_kept_total", otlp_metrics.check(body).accepted)
            answer.partial_success.error_message = METRICS_NOT_KEPT  # with none rejected it is a warning
        return answer

    @contextmanager
    def room(self) -> Iterator[Callable[[int], None]]:
        """Gives a function that holds memory for bytes of a request, and frees all of it at the end.

        That function raises NotStored when too many requests are being read at once.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._in_flight + size > self._in_flight_bytes:
                self._counters.add("spanledger_log_failures_total", reason="busy")
                message = f"more than {self._in_flight_bytes} bytes of requests are in flight"
                raise NotStored("busy", message, BUSY_RETRY_S)
            held += size
            self._in_flight += size

        try:
            yield hold
        finally:
            self._in_flight -= held

    def answered(self, transport: str, code: int | str) -> None:
        self._counters.add("spanledger_requests_total", transport=transport, code=str(code))

    async def _accept(
        self, signal: Signal, body: bytes, check: Callable[[bytes, int], Checked], unread: Checked
    ) -> Checked:
        began, received_ns = time.perf_counter(), time.time_ns()
        checked = check(body, received_ns) + unread
        if checked.accepted:
            await self._keep(received_ns, body, signal)
        unit = UNITS[signal]
        self._counters.add(f"spanledger_{unit}_received_total", checked.accepted)
        for reason, count in checked.refused.items():
            self._counters.add(f"spanledger_{unit}_refused_total", count, reason=reason)
        self._counters.observe("spanledger_ack_seconds", time.perf_counter() - began)
        return checked

    async def _keep(self, received_ns: int, body: bytes, signal: Signal) -> None:
        try:
            await asyncio.wrap_future(self._append(received_ns, body, signal))
        except NotStored as refusal:
            self._counters.add("spanledger_log_failures_total", reason=refusal.reason)
            raise
