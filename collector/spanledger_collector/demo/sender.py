"""Sends OTLP/HTTP requests one after another, at the pace of the collector's store."""

from __future__ import annotations

import gzip
import http.client
import re
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

if TYPE_CHECKING:
    from collections.abc import Callable

OK = 200
COME_BACK = (429, 502, 503, 504)
MOST_BACKLOG = 24 * 2**20  # bytes in the collector's log: live spans should not wait behind a month of history
PATIENCE_S = 120.0
LONGEST_WAIT_S = 30.0
FIRST_WAIT_S = 0.5
TIMEOUT_S = 60.0
BACKLOG = re.compile(r"^spanledger_log_bytes(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


class NotAccepted(Exception):
    """The collector did not take a request, for good or for too long; the text says what it answered."""


class Sender:
    """One connection to one collector, honouring what it says about waiting."""

    def __init__(self, endpoint: str, api: str, token: str = "", sleep: Callable[[float], object] = time.sleep) -> None:
        self._host = urlsplit(endpoint).netloc
        self._api = api
        self._sleep = sleep
        self._headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        self._bearer = {"authorization": f"Bearer {token}"} if token else {}
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes) -> None:
        """Send the bytes of an export request until they are accepted. Raises NotAccepted."""
        self._wait_for_store()
        packed = gzip.compress(body, compresslevel=1)
        waited_s = 0.0
        wait_s = FIRST_WAIT_S
        while True:
            status, answer, retry_after_s = self._post(packed)
            if status == OK:
                return _check_all_accepted(answer)
            if status and status not in COME_BACK:
                raise NotAccepted(f"{self._host} answered {status}: {answer[:300].decode(errors='replace')}")
            pause_s = min(LONGEST_WAIT_S, wait_s if retry_after_s is None else retry_after_s)
            if waited_s + pause_s > PATIENCE_S:
                reason = f"answers {status}" if status else f"does not answer ({answer.decode(errors='replace')})"
                raise NotAccepted(f"{self._host} {reason} for more than {PATIENCE_S:.0f} s")
            self._sleep(pause_s)
            waited_s += pause_s
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _post(self, packed: bytes) -> tuple[int, bytes, float | None]:
        """(status, body, seconds to wait as asked); status 0 where no answer came."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)
        try:
            self._connection.request("POST", "/v1/traces", packed, {**self._headers, **self._bearer})
            response = self._connection.getresponse()
            return response.status, response.read(), _seconds(response.getheader("retry-after"))
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            return 0, str(error).encode() or type(error).__name__.encode(), None

    def _wait_for_store(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self._backlog() > MOST_BACKLOG and time.monotonic() < deadline:
            self._sleep(0.05)

    def _backlog(self) -> float:
        """Bytes that the collector has accepted and not stored; 0 where it does not say."""
        request = urllib.request.Request(f"{self._api}/metrics", headers=self._bearer)  # noqa: S310 - our own API
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the same
                told = BACKLOG.search(response.read().decode())
        except (OSError, http.client.HTTPException):
            return 0.0
        return float(told[1]) if told else 0.0


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:
        return None


def _check_all_accepted(answer: bytes) -> None:
    refused = ExportTraceServiceResponse.FromString(answer).partial_success
    if refused.rejected_spans:
        raise NotAccepted(f"{refused.rejected_spans} spans were refused: {refused.error_message}")
