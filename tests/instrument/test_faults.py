"""Whatever becomes of the collector, the process or the number of callers: the application works, memory is bounded."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_calls import CHAT
from tests.instrument.test_zero_code import APP, BIN, HERE, env, ledger, receiver, run
from tests.support.provider import OPENAI_MAJOR

import spanledger
from spanledger import _later, _setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.otlp_receiver import OtlpReceiver
    from tests.support.provider import Clients
    from tests.support.spans import Spans

__all__ = ["env", "receiver"]
pytestmark = pytest.mark.skipif(OPENAI_MAJOR < 3, reason="our own code and OpenTelemetry's, the same with every SDK")
CROWD = str(HERE / "programs" / "crowd.py")
GROWTH = 64 * 1024  # KiB: what waits is bounded to 16 MiB of prompts and 2,048 spans, beside what the SDK itself needs


class Collector(http.server.BaseHTTPRequestHandler):
    """A collector that is ill: it answers with the status of its class, after a while."""

    status, wait = 503, 0.0

    def do_POST(self) -> None:
        time.sleep(self.wait)
        with contextlib.suppress(OSError):
            self.send_response(self.status)
            self.send_header("content-length", "0")
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def ill(status: int, wait: float) -> Iterator[str]:
    handler = type("Handler", (Collector,), {"status": status, "wait": wait})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    """It takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


COLLECTORS = {
    "refuses": lambda: ill(400, 0),
    "overloaded": lambda: ill(503, 0),
    "slow": lambda: ill(200, 2.0),
    "hangs": hanging,
    "dead": lambda: contextlib.nullcontext("http://127.0.0.1:9"),
    "no name": lambda: contextlib.nullcontext("http://collector.invalid:4318"),
}


@pytest.mark.parametrize("kind", list(COLLECTORS))
def test_an_ill_collector_is_not_noticed(env: dict[str, str], kind: str) -> None:
    with COLLECTORS[kind]() as url:
        done = run(str(BIN / "spanledger"), "run", "--endpoint", url, sys.executable, APP, env=env)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_a_full_queue_drops_records_and_nothing_else(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    with hanging() as url:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", url)
        spanledger.instrument()
        try:
            for _ in range(40):
                assert clients.openai.chat.completions.create(**CHAT).id
            assert _later.LATER.drain(10)
        finally:
            spanledger.uninstrument()
            _setup.use_provider(None)


def test_work_for_our_thread_beyond_its_bound_is_done_without_hashes(clients: Clients, spans: Spans) -> None:
    go = threading.Event()
    assert _later.LATER.hand(go.wait)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_later, "MOST_JOBS", 3)
            for _ in range(20):
                assert clients.openai.chat.completions.create(**CHAT).id
            assert _later.LATER._count <= 3
    finally:
        go.set()
    told = [span.attributes or {} for span in spans.all]
    assert len(told) == 20
    assert sum("spanledger.fingerprint.dropped" in each for each in told) >= 17


@pytest.mark.parametrize(("kind", "calls"), [("threads", 200), ("tasks", 2000)])
def test_a_crowd_is_recorded_and_memory_is_bounded(
    receiver: OtlpReceiver, env: dict[str, str], kind: str, calls: int
) -> None:
    env["OTEL_BSP_MAX_QUEUE_SIZE"] = "8192"  # every span is to be seen here
    command = (str(BIN / "spanledger"), "run", "--endpoint", receiver.url, sys.executable, CROWD, kind)
    done = run(*command, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < GROWTH
    assert len(ledger(receiver)) == calls + 200


def test_calls_while_the_interpreter_ends(receiver: OtlpReceiver, env: dict[str, str]) -> None:
    program = str(HERE / "programs" / "ending.py")
    done = run(str(BIN / "spanledger"), "run", "--endpoint", receiver.url, sys.executable, program, env=env)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "spanledger" not in done.stderr
    told = dict(ledger(receiver))
    assert (told["main"], told["atexit"], told["open"]) == ("ok", "ok", "abandoned")


def test_a_tool_that_calls_again_is_recorded_at_every_depth(clients: Clients, spans: Spans) -> None:
    depth = 30

    def ask(left: int) -> int:
        with spanledger.tag(depth=left):
            stream = clients.openai.chat.completions.create(**CHAT, stream=True)
            next(iter(stream))
            below = ask(left - 1) if left > 1 else 0
            assert len(list(stream)) > 0
        return below + 1

    assert ask(depth) == depth
    assert [span.attributes["spanledger.outcome"] for span in spans.all if span.attributes] == ["ok"] * depth
    assert {span.parent for span in spans.all} == {None}


def test_where_the_stack_ends_makes_no_other_difference(clients: Clients, spans_despite_faults: Spans) -> None:
    """Wherever in the SDK or in us the recursion limit strikes, what is raised is what Python raises."""
    limit, outcomes = sys.getrecursionlimit(), set()
    for room in range(20, 260, 6):
        sys.setrecursionlimit(len_of_stack() + room)
        try:
            outcomes.add(bool(clients.openai.chat.completions.create(**CHAT).id))
        except RecursionError:
            outcomes.add(False)  # noqa: FBT003
        finally:
            sys.setrecursionlimit(limit)
    assert outcomes == {True, False}
    assert spans_despite_faults.all
    assert _setup.current.get() is None
    spans_despite_faults.clear()
    assert clients.openai.chat.completions.create(**CHAT).id
    assert spans_despite_faults.one["spanledger.outcome"] == "ok"


def len_of_stack() -> int:
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


def test_a_child_forked_while_our_thread_imports_can_import_the_same(env: dict[str, str]) -> None:
    command = [sys.executable, str(HERE / "programs" / "forks_midway.py")]
    assert subprocess.run(command, env=env, timeout=100, check=False).returncode == 0


SERVERS = {
    "uvicorn": ("uvicorn", "served:asgi", "--workers", "2", "--port", "{port}", "--log-level", "error"),
    "gunicorn": ("gunicorn", "served:wsgi", "-w", "2", "-b", "127.0.0.1:{port}", "--log-level", "error"),
    "gunicorn preload": ("gunicorn", "served:wsgi", "--preload", "-w", "2", "-b", "127.0.0.1:{port}"),
}


@pytest.mark.parametrize("kind", list(SERVERS))
def test_every_worker_of_a_server_sends_its_own_calls_once(
    receiver: OtlpReceiver, env: dict[str, str], kind: str
) -> None:
    module, *arguments = SERVERS[kind]
    if not (BIN / module).exists():
        pytest.skip(f"{module} is in the newest environment only")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(BIN / "spanledger"), "run", "--endpoint", receiver.url, str(BIN / module)]
    command += [argument.format(port=port) for argument in arguments]
    process = subprocess.Popen(command, env=env, cwd=HERE / "programs", stderr=subprocess.DEVNULL)
    try:
        workers = [answer(port) for _ in range(12)]
        for _ in range(600):  # a worker killed by a signal does not send what it has not sent yet: give it its second
            if len(ledger(receiver)) >= len(workers):
                break
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
    told = [model for model, _ in ledger(receiver) if model != "preloaded"]
    assert sorted(told) == sorted(f"worker-{worker}" for worker in workers)


def answer(port: int) -> str:
    """Which worker served a request; the server is given half a minute to be there."""
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as reply:
            return str(reply.read().decode())
        time.sleep(0.1)
    raise AssertionError(f"nothing answers on port {port} (process {os.getpid()})")
