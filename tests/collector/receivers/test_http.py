"""OTLP over HTTP as exporters speak it, and as attackers do."""

import gzip
import http.client
import json
import logging
import zlib
from urllib.parse import urlsplit

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.otlp import body, chat_span, request

from spanledger_collector import wal
from spanledger_collector.receivers.compression import zstd
from spanledger_collector.receivers.http import Limits

PROTOBUF = {"content-type": "application/x-protobuf"}
ZSTD = PROTOBUF | {"content-encoding": "zstd"}
GZIP = PROTOBUF | {"content-encoding": "gzip"}
JSON = {"content-type": "application/json"}


def wide_window():
    """A frame whose decompression would take 128 MiB, whatever it holds."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    return packer.compress(b"x", packer.FLUSH_BLOCK) + packer.flush()


def post(to, content, headers=PROTOBUF, path="/v1/traces"):
    return httpx.post(to.http + path, content=content, headers=headers, trust_env=False, timeout=30)


def status(response):
    return Status.FromString(response.content)


def test_an_acknowledged_request_is_in_the_log_byte_for_byte(listen):
    to, sent = listen(), body(chat_span(), chat_span())
    answer = post(to, sent)
    assert (answer.status_code, answer.content) == (200, b"")
    assert to.bodies() == [sent]
    assert to.counters.total("spanledger_spans_received_total") == 2


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstd.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_a_compressed_request_is_kept_unpacked(listen, encoding, pack):
    to, sent = listen(), body(chat_span())
    assert post(to, pack(sent), PROTOBUF | {"content-encoding": encoding}).status_code == 200
    assert to.bodies() == [sent]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_opentelemetry_exporter_is_content(listen, compression, caplog):
    to = listen()
    provider = TracerProvider()
    exporter = OTLPSpanExporter(to.http + "/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with caplog.at_level(logging.WARNING):
        provider.get_tracer("t").start_span("chat").end()
        provider.shutdown()
    assert not caplog.records
    assert len(to.bodies()) == 1


def test_json_with_hex_ids_becomes_the_same_request(listen):
    to, span = listen(), chat_span()
    document = MessageToDict(request(span))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex().upper(),
        "kind": 3,
    }
    answer = post(to, json.dumps(document), JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert [ExportTraceServiceRequest.FromString(kept) for kept in to.bodies()] == [request(span)]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"resourceSpans": 3}',
        '{"resourceSpans": {"scopeSpans": []}}',
    ],
)
def test_json_that_is_no_request_is_refused_in_json(listen, text):
    answer = post(listen(), text, JSON)
    assert answer.status_code == 400
    assert "not an OTLP request in JSON" in answer.json()["message"]


def test_a_bad_span_is_refused_alone_and_the_sender_is_told_why(listen):
    to, bad = listen(), chat_span()
    bad.trace_id = bytes(16)
    answer = ExportTraceServiceResponse.FromString(post(to, body(chat_span(), bad)).content)
    assert answer.partial_success.rejected_spans == 1
    assert answer.partial_success.error_message == "1 refused: the trace id is not 16 bytes or is all zero"
    assert to.counters.total("spanledger_spans_refused_total", reason="trace_id") == 1
    assert len(to.bodies()) == 1


def test_a_request_without_a_good_span_is_not_kept(listen):
    to, bad = listen(), chat_span()
    bad.start_time_unix_nano = 0
    assert post(to, body(bad)).status_code == 200
    assert to.bodies() == []


@pytest.mark.parametrize(
    ("content", "headers", "says"),
    [
        (b"\xff\xff\xff", PROTOBUF, "not an OTLP ExportTraceServiceRequest in protobuf"),
        (b"not gzip", GZIP, "not compressed as its Content-Encoding says"),
        (gzip.compress(b"x" * 1000)[:-9], GZIP, "ends before its end"),
        (gzip.compress(b"") + b"more", GZIP, "bytes after the end"),
        (b"not zstd", ZSTD, "not compressed as its Content-Encoding says"),
        (zstd.compress(b"x" * 1000)[:-3], ZSTD, "ends before its end"),
        (zstd.compress(b"") + b"more", ZSTD, "bytes after the end"),
        (wide_window(), ZSTD, "not compressed as its Content-Encoding says"),
        (b"\x0a\x00" * 70_000, PROTOBUF, "more than 65536 spans"),
    ],
)
def test_what_cannot_be_read_is_refused_for_good(listen, content, headers, says):
    to = listen()
    answer = post(to, content, headers)
    assert answer.status_code == 400
    assert says in status(answer).message
    assert to.bodies() == []


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"content-type": "text/plain"}, "content type 'text/plain' is not application/x-protobuf or application/json"),
        (PROTOBUF | {"content-encoding": "br"}, "content encoding 'br' is not gzip, zstd, deflate or identity"),
    ],
)
def test_an_unknown_format_is_named(listen, headers, says):
    answer = post(listen(), b"", headers)
    assert (answer.status_code, status(answer).message) == (415, says)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_a_bomb_is_refused_before_it_is_unpacked(listen, encoding, pack):
    bomb = pack(bytes(200 * 2**20))
    answer = post(listen(), bomb, PROTOBUF | {"content-encoding": encoding})
    assert answer.status_code == 413
    assert "unpacks to more than 33554432 bytes" in status(answer).message


def test_a_body_over_the_limit_is_refused_while_it_comes(listen):
    answer = post(listen(limits=Limits(wire_bytes=1000)), iter([bytes(600)] * 4))
    assert (answer.status_code, status(answer).message) == (
        413,
        "the body is larger than 1000 bytes: export smaller batches",
    )


def test_a_gigabyte_that_is_only_claimed_is_refused_at_once(listen):
    connection = http.client.HTTPConnection(urlsplit(listen().http).netloc, timeout=30)
    connection.putrequest("POST", "/v1/traces")
    for name, value in (PROTOBUF | {"content-length": str(10**9)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_sender_that_never_finishes_is_let_go(listen):
    connection = http.client.HTTPConnection(urlsplit(listen(limits=Limits(read_seconds=0.2)).http).netloc, timeout=30)
    connection.putrequest("POST", "/v1/traces")
    for name, value in (PROTOBUF | {"content-length": "100"}).items():
        connection.putheader(name, value)
    connection.endheaders(b"half")
    assert connection.getresponse().status == 408
    connection.close()


def test_a_full_log_asks_the_sender_to_come_back(listen):
    to = listen(log_limits=wal.Limits(total_bytes=100))
    answer = post(to, body(chat_span()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "limit of 100 bytes" in status(answer).message
    assert to.counters.total("spanledger_log_failures_total", reason="full") == 1


@pytest.mark.parametrize(
    ("header", "code"), [(None, 401), ("Bearer wrong", 401), ("Basic s3cret", 401), ("Bearer s3cret", 200)]
)
def test_a_token_opens_the_listener(listen, header, code):
    to = listen(token="s3cret")
    headers = PROTOBUF | ({"authorization": header} if header else {})
    assert post(to, body(chat_span()), headers).status_code == code
    assert httpx.get(to.http + "/healthz", trust_env=False).status_code == 200


def some_logs():
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1, event_name="app.event")
    return logs


def some_metrics():
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="tokens")
    metric.sum.data_points.add(as_int=1)
    metric.sum.data_points.add(as_int=2)
    return metrics


def test_logs_are_kept_and_a_bad_record_is_refused_alone(listen):
    to, logs = listen(), some_logs()
    logs.resource_logs[0].scope_logs[0].log_records.add(trace_id=b"short")
    told = ExportLogsServiceResponse.FromString(post(to, logs.SerializeToString(), path="/v1/logs").content)
    assert told.partial_success.rejected_log_records == 1
    assert "the trace id is not 16 bytes" in told.partial_success.error_message
    assert to.counters.total("spanledger_log_records_received_total") == 1
    assert to.bodies("logs") == [logs.SerializeToString()]


def test_logs_in_json_with_hex_ids_become_the_same_request(listen):
    to, logs = listen(), some_logs()
    record = logs.resource_logs[0].scope_logs[0].log_records[0]
    record.trace_id, record.span_id = b"t" * 16, b"s" * 8
    document = MessageToDict(logs)
    told = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    told |= {"traceId": record.trace_id.hex(), "spanId": record.span_id.hex()}
    assert post(to, json.dumps(document), JSON, path="/v1/logs").status_code == 200
    assert [ExportLogsServiceRequest.FromString(kept) for kept in to.bodies("logs")] == [logs]


def test_metrics_nobody_is_sent_on_to_are_acknowledged_with_a_warning(listen):
    to = listen()
    answer = post(to, some_metrics().SerializeToString(), path="/v1/metrics")
    told = ExportMetricsServiceResponse.FromString(answer.content)
    assert (answer.status_code, told.partial_success.rejected_data_points) == (200, 0)
    assert "not kept" in told.partial_success.error_message
    assert to.counters.total("spanledger_data_points_not_kept_total") == 2
    assert to.bodies("metrics") == []


def test_metrics_that_are_sent_on_are_kept_until_then(listen):
    to, sent = listen(keeps_metrics=True), some_metrics().SerializeToString()
    assert post(to, sent, path="/v1/metrics").content == b""
    assert to.counters.total("spanledger_data_points_received_total") == 2
    assert to.bodies("metrics") == [sent]


def test_other_paths_and_methods_do_not_exist(listen):
    to = listen()
    assert post(to, b"", path="/v1/profiles").status_code == 404
    assert httpx.get(to.http + "/v1/traces", trust_env=False).status_code == 405
