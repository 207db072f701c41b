"""The same OTLP, byte for byte, on to another backend. A copy beside the ledger: it never holds the ledger up."""

from __future__ import annotations

import http.client
import logging
import threading
import urllib.error
import urllib.request
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.counters import Counters
    from spanledger_collector.model import Signal

logger = logging.getLogger(__name__)
QUEUE_BYTES: Final = 64 * 2**20
TIMEOUT_S: Final = 10.0
RETRIES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
RETRIED: Final = frozenset({429, 502, 503, 504})  # https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes


class Forwarder:
    """A bounded queue and one thread that posts it. What does not fit or is refused is dropped, and counted."""

    def __init__(
        self, url: str, headers: Sequence[tuple[str, str]], counters: Counters, queue_bytes: int = QUEUE_BYTES
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"content-type": "application/x-protobuf", **dict(headers)}
        self._counters, self._queue_bytes = counters, queue_bytes
        self._queue: deque[tuple[bytes, Signal]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-forward", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        return self._bytes

    def offer(self, body: bytes, signal: Signal) -> None:
        """Queue a request; never waits."""
        with self._changed:
            if self._bytes + len(body) > self._queue_bytes:
                self._counters.add("spanledger_forward_dropped_total", reason="queue_full")
                return
            self._bytes += len(body)
            self._queue.append((body, signal))
            self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Send what is queued, for at most `timeout_s`; the rest is counted as dropped."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout_s)
        self._abandon.set()
        if self._queue:
            self._counters.add("spanledger_forward_dropped_total", len(self._queue), reason="shutdown")

    def _run(self) -> None:
        while not self._abandon.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing.is_set())
                if not self._queue:
                    return
                body, signal = self._queue[0]
            self._send(body, signal)
            with self._changed:
                self._queue.popleft()
                self._bytes -= len(body)

    def _send(self, body: bytes, signal: Signal) -> None:
        for wait_s in (*RETRIES_S, None):
            failure = self._post(body, signal)
            if not failure:
                self._counters.add("spanledger_forwarded_total")
                return
            if wait_s is None or failure == "refused" or self._abandon.wait(wait_s):
                self._counters.add("spanledger_forward_dropped_total", reason=failure)
                return

    def _post(self, body: bytes, signal: Signal) -> str:
        """Empty when the backend took it, else a reason."""
        url = f"{self._url}/v1/{signal}"
        request = urllib.request.Request(url, body, self._headers, method="POST")  # noqa: S310 - settings checked
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            logger.warning("%s answered %d to a forwarded request", url, error.code)
            return "unavailable" if error.code in RETRIED else "refused"
        except (OSError, http.client.HTTPException) as error:
            logger.warning("cannot forward to %s: %s", url, error)
            return "unreachable"
