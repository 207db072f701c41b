"""The sender of our own provider: quiet about an absent collector, bounded at exit. Loaded at the first call."""

from __future__ import annotations

import inspect
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from ._guard import guarded, warn_once
from ._later import LATER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT: Final = 5.0  # seconds for one batch, its retries included
_DELAY_MILLIS: Final = 1000
_DRAIN: Final = 5.0  # seconds for what is not ended yet, when told to flush
_CONNECT: Final = 0.5  # seconds, asked once at exit
_PORTS: Final = {"http": 80, "https": 443}
_sending = threading.local()


def processor(endpoint: str, token: str | None) -> Sender:
    return Sender(_QuietExporter(endpoint, token))


class Sender(BatchSpanProcessor):
    def __init__(self, exporter: _QuietExporter) -> None:
        delay = None if "OTEL_BSP_SCHEDULE_DELAY" in os.environ else _DELAY_MILLIS
        super().__init__(exporter, schedule_delay_millis=delay)
        self._quiet = exporter

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        LATER.drain(_DRAIN)
        return super().force_flush(timeout_millis)

    def stop(self, millis: int) -> None:
        """Flush and stop within `millis`; a collector that is not there is not waited for."""
        limit = millis if self._quiet.reachable() else 0
        # shutdown() itself waits for 30 seconds; the batcher below takes a limit, in the versions that have it.
        batcher = getattr(self, "_batch_processor", None)
        if batcher is not None and "timeout_millis" in inspect.signature(batcher.shutdown).parameters:
            batcher.shutdown(limit)
            return
        if not limit:
            self._quiet.shutdown()
        super().shutdown()  # type: ignore[no-untyped-call]


class _QuietExporter(SpanExporter):
    """The OTLP exporter, saying once in plain words what it would log again and again."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        self.failing = False
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint, headers=_headers(token), timeout=_TIMEOUT, session=_session(endpoint)
        )
        exporters_log = logging.getLogger(OTLPSpanExporter.__module__)
        if not any(isinstance(known, _NotOurs) for known in exporters_log.filters):
            exporters_log.addFilter(_NotOurs())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        _sending.now = True
        try:
            result = guarded(self._exporter.export, spans)
        finally:
            _sending.now = False
        self.failing = result is not SpanExportResult.SUCCESS
        if self.failing:
            self._say_once()
        return SpanExportResult.FAILURE if self.failing else SpanExportResult.SUCCESS

    def reachable(self) -> bool:
        """Whether something listens at the endpoint; the exporter itself would wait and try again for seconds."""
        url = urlsplit(self._endpoint)
        try:
            socket.create_connection((url.hostname, url.port or _PORTS[url.scheme]), _CONNECT).close()
        except OSError:
            self._say_once()
            return False
        return True

    def _say_once(self) -> None:
        warn_once(
            f"no answer {self._endpoint}",
            "spanledger: %s does not take spans; calls work, their records are dropped meanwhile (said once). "
            "`spanledger doctor` tells more",
            self._endpoint,
        )

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _NotOurs(logging.Filter):
    """Drops what the exporter logs on our sending thread; the application's own exporter keeps its voice."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(_sending, "now", False)


def _headers(token: str | None) -> dict[str, str]:
    """Ours only: OTEL_EXPORTER_OTLP_HEADERS holds another backend's credentials, and the exporter would send them."""
    theirs = (
        f"{os.environ.get('OTEL_EXPORTER_OTLP_HEADERS', '')},{os.environ.get('OTEL_EXPORTER_OTLP_TRACES_HEADERS', '')}"
    )
    headers = {name.strip(): "" for name, equals, _ in (part.partition("=") for part in theirs.split(",")) if equals}
    if token:
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        headers["authorization"] = f"Bearer {token}"
    return headers


def _session(endpoint: str) -> Any:
    """A proxy from the environment is no way to a collector on this machine."""
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        return None
    from requests import Session

    session = Session()
    session.trust_env = False
    return session
