"""What the OpenTelemetry Collector's ClickHouse exporter wrote becomes the same calls."""

from __future__ import annotations

import json
import time

import clickhouse_connect
import pytest
from tests.support.clickhouse_facade import facade
from tests.support.otlp_sink import OtlpSink

from spanledger_collector import normalise, otlp
from spanledger_collector.command import main

# The exporter's own tables, attributes as maps of text and as JSON, without the indices that only its readers use.
# https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter/internal/sqltemplates
TABLE = """
CREATE TABLE {name} (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)), SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes {attributes} CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)), ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes {attributes} CODEC(ZSTD(1)), Duration UInt64 CODEC(T64, ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes {attributes}) CODEC(ZSTD(1)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes {attributes}) CODEC(ZSTD(1))
) ENGINE = MergeTree() PARTITION BY toDate(Timestamp) PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1"""
MAP = "Map(LowCardinality(String), String)"
COLUMNS = """(Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, ScopeName,
    SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, Events.Attributes)"""
ROW = f"""
INSERT INTO otel_traces {COLUMNS} SELECT toDateTime64('2026-11-02 12:00:00.000000007', 9) + number, repeat('ab', 16),
    hex(number + 1000000000000000000), '', 'chat gpt-4.1', if(number = 0, 'Client', 'SPAN_KIND_CLIENT'), 'shop',
    map('service.name', 'shop'), 'app',
    map('gen_ai.operation.name', 'chat', 'gen_ai.provider.name', 'openai',
        'gen_ai.response.model', 'gpt-4.1-2025-04-14', 'gen_ai.usage.input_tokens', '1000',
        'gen_ai.usage.output_tokens', '100', 'gen_ai.request.stream', 'true',
        'gen_ai.response.finish_reasons', '["stop"]', 'user.id', '007'), 1500000000, 'Error', 'overloaded',
    [toDateTime64('2026-11-02 12:00:01', 9)], ['exception'], [map('exception.type', 'APITimeoutError')]
FROM numbers(2)"""
ATTRIBUTES = json.dumps(
    {
        "gen_ai": {
            "operation": {"name": "chat"},
            "provider": {"name": "openai"},
            "response": {"model": "gpt-4.1-2025-04-14", "finish_reasons": ["stop"]},
            "usage": {"input_tokens": 1000, "output_tokens": 100},
            "request": {"stream": True},
        },
        "user": {"id": "007"},
    }
)
JSON_ROW = f"""
INSERT INTO json_traces {COLUMNS} SELECT Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    '{{"service": {{"name": "shop"}}}}', ScopeName, '{ATTRIBUTES}', Duration, StatusCode, StatusMessage, [], [], []
FROM otel_traces"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    with facade(tmp_path_factory.mktemp("source") / "store") as dsn:
        client = clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)
        client.command(TABLE.format(name="otel_traces", attributes=MAP))
        client.command(TABLE.format(name="json_traces", attributes="JSON"))
        client.command(ROW)
        client.command(JSON_ROW)
        yield dsn
        client.close()


@pytest.mark.parametrize("table", ["otel_traces", "json_traces"])
def test_a_row_is_the_call_it_was(source, table, capsys):
    with OtlpSink() as sink:
        assert main(["collect", "backfill", "--source", source, "--table", table, "--endpoint", sink.url]) == 0
    assert capsys.readouterr().out == f"2 spans of {table} sent to {sink.url}\n"
    spans = [span for _, body in sink.bodies for span in otlp.decode(body, time.time_ns())]
    call = normalise.to_call(spans[0])
    assert (call.service, call.model, call.stream, call.finish_reason) == ("shop", "gpt-4.1-2025-04-14", True, "stop")
    assert (call.usage.input_tokens, call.usage.output_tokens, call.outcome) == (1000, 100, "error")
    assert (spans[0].start_ns % 10**9, call.duration_ns, spans[0].attributes["user.id"]) == (7, 1_500_000_000, "007")
    assert [span.kind for span in spans] == [3, 3]
    assert call.error_type == ("APITimeoutError" if table == "otel_traces" else "")


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
