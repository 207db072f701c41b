"""Another OTLP/HTTP endpoint, to which requests are passed on byte for byte."""

from __future__ import annotations

import http.client
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanledger_collector.model import Signal

logger = logging.getLogger(__name__)
TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 2**20
RETRIED: Final = frozenset({429, 502, 503, 504})  # https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request; `refused` is for good, the others may be tried again."""

    outcome: Literal["accepted", "refused", "unavailable", "unreachable"]
    retry_after_s: float = 0.0
    message: str = ""


class Backend:
    """Thread-safe: every thread has a connection of its own and keeps it open."""

    def __init__(self, url: str, headers: Sequence[tuple[str, str]]) -> None:
        parts = urlsplit(url)
        self._url, self._netloc, self._path = url.rstrip("/"), parts.netloc, parts.path.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._headers = {"content-type": "application/x-protobuf", **dict(headers)}
        self._mine = threading.local()

    def post(self, body: bytes, signal: Signal) -> Answer:
        """Never raises for what a network or a server does."""
        reused = getattr(self._mine, "connection", None) is not None
        try:
            return self._answer(body, signal)
        except (OSError, http.client.HTTPException) as error:
            self._forget()
            if reused and isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                return self.post(body, signal)  # an idle connection that the other side had closed
            logger.warning("cannot forward to %s: %s", self._url, error)
            return Answer("unreachable", message=str(error))

    def _answer(self, body: bytes, signal: Signal) -> Answer:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._kind(self._netloc, timeout=TIMEOUT_S)
        connection.request("POST", f"{self._path}/v1/{signal}", body, self._headers)
        with connection.getresponse() as response:
            said = response.read(MAX_ANSWER_BYTES)
            if not response.isclosed():
                self._forget()  # a longer answer than any of OTLP's: what is left of it would begin the next
        if response.status in OK:
            return Answer("accepted")
        logger.warning("%s/v1/%s answered %d to a forwarded request", self._url, signal, response.status)
        if response.status in RETRIED:
            return Answer("unavailable", _seconds(response.getheader("retry-after", "")))
        return Answer("refused", message=f"answered {response.status}: {said[:300].decode('utf-8', 'replace')}")

    def _forget(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()
        self._mine.connection = None


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
