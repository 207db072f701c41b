"""The sidecar: what it acknowledged reaches the backend, byte for byte, whatever happens to either of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.support.collector import start_collector
from tests.support.otlp import body, chat_span
from tests.support.otlp_sink import OtlpSink

PROTOBUF = {"content-type": "application/x-protobuf"}
HEAVY = ("chdb", "clickhouse_connect", "pyarrow", "genai_prices", "numpy", "spanledger_collector.store")


@pytest.fixture
def agent(tmp_path):
    started = []

    def start(url):
        started.append(start_collector(tmp_path / "data", "--agent", "--forward", url))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def post(agent, content, signal="traces"):
    return httpx.post(f"{agent.otlp_http}/v1/{signal}", content=content, headers=PROTOBUF, trust_env=False).status_code


def until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_acknowledged_arrives_byte_for_byte(agent):
    points = ExportMetricsServiceRequest()
    points.resource_metrics.add().scope_metrics.add().metrics.add(name="m").sum.data_points.add(as_int=1)
    traces, metrics = body(chat_span()), points.SerializeToString()
    with OtlpSink() as sink:
        running = agent(sink.url)
        assert [post(running, traces), post(running, metrics, "metrics")] == [200, 200]
        until(lambda: len(sink.bodies) == 2)
        assert sorted(sink.bodies) == sorted([("/v1/traces", traces), ("/v1/metrics", metrics)])


def test_a_backend_that_is_away_gets_everything_when_it_is_back(agent):
    with OtlpSink([(503, {"retry-after": "0"}, b"")] * 3) as sink:
        running = agent(sink.url)
        sent = [body(chat_span()) for _ in range(5)]
        assert {post(running, each) for each in sent} == {200}
        until(lambda: len(sink.requests) == 5)
    assert sorted(request.SerializeToString() for request in sink.requests) == sorted(sent)


def test_what_a_killed_agent_had_acknowledged_is_sent_after_its_restart(agent):
    with OtlpSink([(503, {"retry-after": "60"}, b"")] * 9) as sink:
        running = agent(sink.url)
        sent = [body(chat_span()) for _ in range(3)]
        assert {post(running, each) for each in sent} == {200}
        running.kill()
        sink.accept_all()
        agent(sink.url)
        until(lambda: len({request.SerializeToString() for request in sink.requests}) == 3)


def test_what_the_backend_refuses_for_good_is_put_aside_and_holds_nobody_up(agent, tmp_path):
    with OtlpSink([(400, {}, b"no such tenant")]) as sink:
        running = agent(sink.url)
        refused, taken = body(chat_span()), body(chat_span())
        post(running, refused)
        until(lambda: list((tmp_path / "data" / "dead-letters").glob("*.json")))
        post(running, taken)
        until(lambda: sink.requests)
    (path,) = (tmp_path / "data" / "dead-letters").glob("*.json")
    letter = json.loads(path.read_text())
    assert (letter["reason"], letter["request"]) == ("RuntimeError: answered 400: no such tenant", refused.hex())


def test_it_tells_how_it_is(agent):
    with OtlpSink() as sink:
        running = agent(sink.url)
        assert (running.get("/api/v1/status")["agent"], post(running, body(chat_span()))) == (True, 200)
        metrics = httpx.get(f"{running.api}/metrics", trust_env=False).text
        assert "spanledger_spans_received_total 1\n" in metrics
        assert httpx.get(f"{running.api}/readyz", trust_env=False).status_code == 200


def test_it_loads_nothing_of_the_store_the_prices_or_the_queries():
    loaded = f"[m for m in {HEAVY} if m in sys.modules]"
    code = f"import sys, spanledger_collector.command, spanledger_collector.agent; print({loaded})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_without_a_backend_it_is_told_what_is_missing(tmp_path):
    command = [sys.executable, "-m", "spanledger", "collect", "--agent", "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, "add --forward URL" in ended.stderr) == (2, True)
