"""The copy to another backend: byte for byte, and never in the ledger's way."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spanledger_collector import forward
from spanledger_collector.backend import Backend
from spanledger_collector.counters import Counters
from spanledger_collector.forward import Forwarder


@contextmanager
def backend(*statuses):
    """A server that answers with these statuses and then 200; gives its URL and the requests it got."""
    got, left = [], list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, dict(self.headers.items()), content))
            self.send_response(left.pop(0) if left else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


@pytest.fixture
def counters(monkeypatch):
    monkeypatch.setattr(forward, "RETRIES_S", (0.01, 0.01))
    return Counters()


def test_bytes_and_headers_arrive_as_given(counters):
    with backend() as (url, got):
        forwarder = Forwarder(Backend(url + "/", [("x-api-key", "k")]), counters)
        forwarder.offer(b"one", "traces")
        forwarder.offer(b"two", "logs")
        forwarder.close(10)
    assert [(path, content) for path, _, content in got] == [("/v1/traces", b"one"), ("/v1/logs", b"two")]
    headers = {name.lower(): value for name, value in got[0][1].items()}
    assert (headers["x-api-key"], headers["content-type"]) == ("k", "application/x-protobuf")
    assert counters.total("spanledger_forwarded_total") == 2


@pytest.mark.parametrize(
    ("statuses", "forwarded", "reason"),
    [((503, 429), 1, ""), ((503, 503, 503), 0, "unavailable"), ((400,), 0, "refused")],
)
def test_a_backend_in_trouble_is_asked_again_and_one_that_refuses_is_not(counters, statuses, forwarded, reason):
    with backend(*statuses) as (url, got):
        forwarder = Forwarder(Backend(url, []), counters)
        forwarder.offer(b"one", "traces")
        forwarder.close(10)
    assert len(got) == len(statuses) + forwarded
    assert counters.total("spanledger_forwarded_total") == forwarded
    assert counters.total("spanledger_forward_dropped_total", **({"reason": reason} if reason else {})) == 1 - forwarded


def test_what_does_not_fit_the_queue_is_dropped_and_counted(counters):
    forwarder = Forwarder(Backend("http://127.0.0.1:1", []), counters, queue_bytes=10)
    forwarder.offer(bytes(11), "traces")
    forwarder.close(10)
    assert counters.total("spanledger_forward_dropped_total", reason="queue_full") == 1


def test_an_absent_backend_is_counted_and_holds_nobody_up(counters):
    forwarder = Forwarder(Backend("http://127.0.0.1:1", []), counters)
    forwarder.offer(b"one", "traces")
    forwarder.close(10)
    assert counters.total("spanledger_forward_dropped_total", reason="unreachable") == 1
    assert forwarder.queued_bytes == 0
