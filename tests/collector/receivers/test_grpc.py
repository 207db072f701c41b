"""OTLP over gRPC, with OpenTelemetry's own exporter and by hand."""

import logging

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.otlp import chat_span, request

from spanledger_collector import wal
from spanledger_collector.receivers.grpc import SERVICE, PortTaken, create_server
from spanledger_collector.receivers.intake import Intake
from spanledger_collector.settings import Address

TRACE_EXPORT = f"/{SERVICE.format('trace', 'Trace')}/Export"


@pytest.fixture
def channel():
    channels = []

    def connect(to, **kwargs):
        channels.append(grpc.insecure_channel(to.grpc, **kwargs))
        return channels[-1]

    yield connect
    for each in channels:
        each.close()


def test_an_acknowledged_request_is_in_the_log_byte_for_byte(listen, channel):
    to, sent = listen(), request(chat_span(), chat_span())
    TraceServiceStub(channel(to)).Export(sent)
    assert to.bodies() == [sent.SerializeToString()]
    assert to.counters.total("spanledger_requests_total", transport="grpc", code="OK") == 1


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_the_opentelemetry_exporter_is_content(listen, compression, caplog):
    to = listen(token="s3cret")
    provider = TracerProvider()
    headers = {"authorization": "Bearer s3cret"}
    exporter = OTLPSpanExporter(to.grpc, insecure=True, compression=compression, headers=headers)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with caplog.at_level(logging.WARNING):
        provider.get_tracer("t").start_span("chat").end()
        provider.shutdown()
    assert not caplog.records
    assert len(to.bodies()) == 1


def refusal(call, *args, **kwargs):
    with pytest.raises(grpc.RpcError) as refused:
        call(*args, **kwargs)
    return refused.value


def test_a_bad_span_is_refused_alone(listen, channel):
    to, bad = listen(), chat_span()
    bad.span_id = b"short"
    answer = TraceServiceStub(channel(to)).Export(request(chat_span(), bad))
    assert answer.partial_success.rejected_spans == 1
    assert "span id is not 8 bytes" in answer.partial_success.error_message


def test_bytes_that_are_no_request_are_an_invalid_argument(listen, channel):
    export = channel(listen()).unary_unary(TRACE_EXPORT)
    assert refusal(export, b"\xff\xff\xff").code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_full_log_says_when_to_come_back(listen, channel):
    to = listen(log_limits=wal.Limits(total_bytes=100))
    error = refusal(TraceServiceStub(channel(to)).Export, request(chat_span()))
    delay = RetryInfo.FromString(dict(error.trailing_metadata())["google.rpc.retryinfo-bin"])
    assert (error.code(), delay.retry_delay.seconds) == (grpc.StatusCode.UNAVAILABLE, 5)


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),)])
def test_without_the_token_nothing_comes_in(listen, channel, metadata):
    to = listen(token="s3cret")
    error = refusal(TraceServiceStub(channel(to)).Export, request(chat_span()), metadata=metadata)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert to.bodies() == []


def test_a_compressed_bomb_is_refused(listen, channel):
    export = channel(listen(), compression=grpc.Compression.Gzip).unary_unary(TRACE_EXPORT)
    assert refusal(export, bytes(64 * 2**20)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_logs_are_kept_byte_for_byte(listen, channel):
    to, logs = listen(), ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add()
    assert not LogsServiceStub(channel(to)).Export(logs).HasField("partial_success")
    assert to.bodies("logs") == [logs.SerializeToString()]


def test_a_port_in_use_is_not_shared(listen):
    to = listen()
    taken = Address("127.0.0.1", int(to.grpc.rpartition(":")[2]))
    with pytest.raises(PortTaken):
        create_server(Intake(to.log.append, to.counters), taken)
