"""A loopback OTLP/HTTP listener that keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import gzip
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from typing_extensions import Self

Reply = tuple[int, dict[str, str], bytes]
ACCEPTED: Reply = (200, {}, b"")


class OtlpSink:
    """A context manager. `replies` are used up one a request; then everything is accepted."""

    def __init__(self, replies: list[Reply] | None = None) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.bodies: list[tuple[str, bytes]] = []  # path and bytes of all that was accepted
        self._replies = deque(replies or [])
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                status, headers, answer = sink._take(self.path, body)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                self.send_error(404)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def accept_all(self) -> None:
        """Forget the replies that are left."""
        self._replies.clear()

    def _take(self, path: str, body: bytes) -> Reply:
        reply = self._replies.popleft() if self._replies else ACCEPTED
        if reply[0] == 200:
            self.bodies.append((path, body))
        if path == "/v1/traces" and reply[0] == 200:
            self.requests.append(ExportTraceServiceRequest.FromString(body))
        return reply

    @property
    def spans(self) -> list[tuple[dict[str, Any], Any]]:
        """(resource attributes, span message) in the order they came."""
        return [
            (attributes(each.resource.attributes), span)
            for request in list(self.requests)
            for each in request.resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
