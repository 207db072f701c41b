"""What the OpenTelemetry Collector's ClickHouse exporter wrote becomes the same calls."""

from __future__ import annotations

import time

import clickhouse_connect
import pytest
from tests.support.clickhouse_facade import facade
from tests.support.otlp_sink import OtlpSink

from spanledger_collector import normalise, otlp
from spanledger_collector.command import main

# The exporter's own table, without its codecs and indices.
TABLE = """
CREATE TABLE otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
    SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
    ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String), Duration UInt64,
    StatusCode LowCardinality(String), StatusMessage String
) ENGINE = MergeTree ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"""
ROW = """
INSERT INTO otel_traces SELECT toDateTime64('2026-11-02 12:00:00.000000007', 9) + number, repeat('ab', 16),
    '1122334455667700', '', '', 'chat gpt-4.1', kind, 'shop', map('service.name', 'shop'), 'app', '',
    map('gen_ai.operation.name', 'chat', 'gen_ai.provider.name', 'openai',
        'gen_ai.response.model', 'gpt-4.1-2025-04-14', 'gen_ai.usage.input_tokens', '1000',
        'gen_ai.usage.output_tokens', '100', 'gen_ai.request.stream', 'true',
        'gen_ai.response.finish_reasons', '["stop"]', 'user.id', '007'), 1500000000, 'Error', 'overloaded'
FROM (SELECT number, if(number = 0, 'Client', 'SPAN_KIND_CLIENT') AS kind FROM numbers(2))"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with facade(tmp_path_factory.mktemp("source") / "store") as dsn:
        client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
        client.command(TABLE)
        client.command(ROW)
        yield dsn
        client.close()


def test_a_row_is_the_call_it_was(source, capsys):
    with OtlpSink() as sink:
        assert main(["collect", "backfill", "--source", source, "--endpoint", sink.url]) == 0
    assert capsys.readouterr().out == f"2 spans of otel_traces sent to {sink.url}\n"
    spans = [span for _, body in sink.bodies for span in otlp.decode(body, time.time_ns())]
    call = normalise.to_call(spans[0])
    assert (call.service, call.model, call.stream, call.finish_reason) == ("shop", "gpt-4.1-2025-04-14", True, "stop")
    assert (call.usage.input_tokens, call.usage.output_tokens, call.outcome) == (1000, 100, "error")
    assert (spans[0].start_ns % 10**9, call.duration_ns, spans[0].attributes["user.id"]) == (7, 1_500_000_000, "007")
    assert [span.kind for span in spans] == [3, 3]


def test_it_begins_where_it_is_told(source, capsys):
    with OtlpSink() as sink:
        main(["collect", "backfill", "--source", source, "--endpoint", sink.url, "--since", "2026-11-02 12:00:01"])
    assert capsys.readouterr().out.startswith("1 spans")


def test_a_collector_that_refuses_stops_it_with_the_reason(source, capsys):
    with OtlpSink([(401, {}, b"a bearer token is needed")]) as sink, pytest.raises(SystemExit) as ended:
        main(["collect", "backfill", "--source", source, "--endpoint", sink.url])
    assert ended.value.code == 1
    assert "stopped after 0 spans" in (told := capsys.readouterr().err)
    assert "a bearer token is needed" in told


def test_a_table_name_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["collect", "backfill", "--source", "http://x", "--table", "t; DROP TABLE t"])
    assert "is no table" in capsys.readouterr().err
