"""The collector as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from tests.support.collector import start_collector
from tests.support.otlp import body, chat_span, request

PROTOBUF = {"content-type": "application/x-protobuf"}
ANY = ["--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]


@pytest.fixture
def start(tmp_path):
    started = []

    def collector(*arguments, env=None):
        started.append(start_collector(tmp_path / "data", *arguments, env=env))
        return started[-1]

    yield collector
    for each in started:
        each.stop()


def refused(*arguments, env=None):
    """Exit code and message of a collector that does not start."""
    command = [sys.executable, "-m", "spanledger", "collect", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def post(url, content, **headers):
    return httpx.post(f"{url}/v1/traces", content=content, headers=PROTOBUF | headers, trust_env=False, timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_accepted_just_before_the_signal_is_in_the_store(start, tmp_path, number):
    collector = start()
    for _ in range(3):
        assert post(collector.otlp_http, body(*[chat_span() for _ in range(5)])).status_code == 200
    collector.process.send_signal(number)
    assert collector.process.wait(60) == 0
    assert not list((tmp_path / "data" / "wal").glob("*.wal"))
    assert start().wait_for_calls(15)["calls"] == 15


def test_spans_by_grpc_and_by_http_reach_the_same_ledger(start):
    collector = start()
    with grpc.insecure_channel(collector.otlp_grpc.removeprefix("http://")) as channel:
        TraceServiceStub(channel).Export(request(chat_span()))
    assert post(collector.otlp_http, body(chat_span())).status_code == 200
    assert collector.wait_for_calls(2)["cost_usd"] == "0.0056"


def test_status_and_metrics_count_what_came_in(start):
    collector, bad = start("--demo"), chat_span()
    bad.trace_id = bytes(16)
    post(collector.otlp_http, body(chat_span(), bad))
    collector.wait_for_calls(1)
    status = collector.get("/api/v1/status")
    assert (status["demo"], status["otlp_http"], status["store"]["rows"]) == (True, collector.otlp_http, 1)
    assert status["store"]["kind"] == "embedded"
    assert re.fullmatch(r"genai-prices \S+", status["prices"]["version"])
    metrics = httpx.get(f"{collector.api}/metrics", trust_env=False).text
    assert 'spanledger_spans_refused_total{reason="trace_id"} 1\n' in metrics
    assert "spanledger_spans_received_total 1\n" in metrics


def test_with_a_token_every_listener_asks_for_it(start, monkeypatch):
    collector = start(env={"SPANLEDGER_TOKEN": "s3cret"})
    sent, bearer = body(chat_span()), {"authorization": "Bearer s3cret"}
    for path in ("/api/v1/status", "/metrics", "/api/v1/query/totals"):
        assert httpx.get(collector.api + path, trust_env=False).status_code == 401
    assert httpx.get(f"{collector.api}/healthz", trust_env=False).status_code == 200
    assert httpx.get(f"{collector.api}/api/v1/status", headers=bearer, trust_env=False).status_code == 200
    assert [post(collector.otlp_http, sent).status_code, post(collector.otlp_http, sent, **bearer).status_code] == [
        401,
        200,
    ]
    with (
        grpc.insecure_channel(collector.otlp_grpc.removeprefix("http://")) as channel,
        pytest.raises(grpc.RpcError) as no,
    ):
        TraceServiceStub(channel).Export(request(chat_span()))
    assert no.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_second_collector_on_the_same_data_is_told_who_owns_it(start, tmp_path):
    owner = start()
    code, message = refused("--data", str(tmp_path / "data"), *ANY)
    assert code == 1
    assert f"is in use by another collector (process {owner.process.pid}): stop it, or" in message


@pytest.mark.parametrize("flag", ["--otlp-http", "--otlp-grpc", "--api"])
def test_a_busy_port_is_named_with_the_flag_that_changes_it(tmp_path, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, message = refused("--data", str(tmp_path), *ANY, flag, address)
    assert code == 1
    assert f"cannot listen on {address}: the port is in use" in message
    assert f"another port with {flag} HOST:PORT" in message


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    code, message = refused("--data", str(tmp_path / "file" / "data"), *ANY)
    assert code == 1
    assert f"the data directory {tmp_path / 'file' / 'data'} cannot be used: Not a directory" in message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--api", "0.0.0.0:0"], "API at 0.0.0.0:0 would be open to the network without a token: set SPANLEDGER_TOKEN"),
        (["--otlp-grpc", "here:there"], "'here:there' is no listening address: use HOST:PORT"),
        (["--forward", "backend:4318"], "--forward 'backend:4318' is no URL"),
        (["--log-limit", "0"], "--log-limit 0 is too small"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_remedy(tmp_path, arguments, says):
    code, message = refused("--data", str(tmp_path), *ANY, *arguments)
    assert code == 2
    assert says in message


def test_a_store_address_that_cannot_be_used_is_named(tmp_path):
    code, message = refused("--data", str(tmp_path), "--dsn", "postgres://x/y", *ANY)
    assert code == 1
    assert "'postgres://x/y' is no store address" in message


def test_a_store_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    code, message = refused("--data", str(tmp_path), "--dsn", f"http://u:pa55@127.0.0.1:{port}/default", *ANY)
    assert code == 1
    assert f"http://127.0.0.1:{port}" in message
    assert "check that it runs, and the host, port, database, user and password" in message
    assert "pa55" not in message


def test_for_people_the_command_that_records_a_program_is_printed(tmp_path):
    command = [sys.executable, "-u", "-m", "spanledger", "collect", "--data", str(tmp_path), *ANY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    endpoint = lines[0].split()[-1]
    assert lines[4].endswith(f"SPANLEDGER_ENDPOINT={endpoint} spanledger run python app.py\n")


def test_the_ready_line_is_all_there_is_on_stdout(tmp_path):
    command = [sys.executable, "-m", "spanledger", "collect", "--data", str(tmp_path), "--json", *ANY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""
    assert (ready["ready"], ready["pid"]) == (True, process.pid)
    assert all(ready[name].startswith("http://127.0.0.1:") for name in ("otlp_http", "otlp_grpc", "api"))


@pytest.mark.parametrize("kind", [(), ("--agent", "--forward", "http://127.0.0.1:9")], ids=["whole", "agent"])
def test_a_ready_line_that_nobody_reads_ends_the_collector_and_leaves_its_data_free(start, tmp_path, kind):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "spanledger", "collect", "--data", str(tmp_path / "data"), "--json", *ANY, *kind]
    try:
        ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    finally:
        os.close(writing)
    assert ended.returncode == 1
    assert "cannot be written to standard output: Broken pipe. Keep open what reads it" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert start(*kind).stop() == 0


def test_a_collector_whose_messages_nobody_reads_still_stops_when_told(tmp_path):
    command = [sys.executable, "-m", "spanledger", "collect", "--data", str(tmp_path), "--json", *ANY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        collector = json.loads(process.stdout.readline())
        process.stderr.close()
        assert post(collector["otlp_http"], body(chat_span())).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not list((tmp_path / "wal").glob("*.wal"))
