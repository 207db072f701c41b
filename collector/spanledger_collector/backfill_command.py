"""`spanledger collect backfill`: what an OpenTelemetry Collector wrote to ClickHouse, sent to a collector as OTLP.

The table is read in place and not changed. Spans sent twice are counted once, so a back-fill may be run again.
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from spanledger_collector.backend import Backend
from spanledger_collector.store.clients import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

Row = dict[str, Any]
BATCH: Final = 1000  # spans in a request
TRIES: Final = 10
FAILED: Final = 1
_NAME: Final = re.compile(r"\w+(\.\w+)?")
_COLUMNS: Final = (
    "toUnixTimestamp64Nano(Timestamp) AS start_ns, toUInt64(Duration) AS duration_ns, TraceId, SpanId, ParentSpanId, "
    "SpanName, SpanKind, StatusCode, StatusMessage, ScopeName, SpanAttributes, ResourceAttributes"
)


def main(argv: Sequence[str]) -> int:
    """Send the spans of an `otel_traces` table to a running collector."""
    parser = argparse.ArgumentParser("spanledger collect backfill", description=main.__doc__)
    parser.add_argument("--source", required=True, metavar="URL", help="http(s)://user:password@host:8443/database")
    parser.add_argument("--table", default="otel_traces", help="(default: otel_traces)")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", metavar="URL", help="the collector's OTLP/HTTP")
    parser.add_argument(
        "--since", default="1970-01-01", metavar="TIME", help="only spans that began then or later, UTC"
    )
    options = parser.parse_args(argv)
    if not _NAME.fullmatch(options.table):
        parser.error(f"--table {options.table!r} is no table: use NAME or DATABASE.NAME")
    token = os.environ.get("SPANLEDGER_TOKEN", "")
    headers = [("authorization", f"Bearer {token}")] if token else []
    sent = 0
    for request in requests(connect(options.source), options.table, options.since):
        if refusal := _send(Backend(options.endpoint, headers), request):
            parser.exit(FAILED, f"spanledger: stopped after {sent} spans, {options.endpoint} {refusal}: run it again\n")
        sent += sum(len(each.scope_spans[0].spans) for each in request.resource_spans)
    print(f"{sent} spans of {options.table} sent to {options.endpoint}")  # noqa: T201 - the command's own voice
    return 0


def requests(client: Client, table: str, since: str) -> Iterator[ExportTraceServiceRequest]:
    """The table's spans from `since` on, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM {table} WHERE Timestamp >= {{since:String}} ORDER BY Timestamp"  # noqa: S608 - a name
    with client.query_row_block_stream(sql, {"since": since}) as blocks:
        names = blocks.source.column_names
        for block in blocks:
            for first in range(0, len(block), BATCH):
                yield _request(dict(zip(names, row, strict=True)) for row in block[first : first + BATCH])


def _send(backend: Backend, request: ExportTraceServiceRequest) -> str:
    """Empty, or why it did not work."""
    body = request.SerializeToString()
    for attempt in range(TRIES):
        answer = backend.post(body, "traces")
        if answer.outcome == "accepted":
            return ""
        if answer.outcome == "refused":
            return answer.message
        time.sleep(max(answer.retry_after_s, 0.1 * 2**attempt))
    return f"is {answer.outcome} {answer.message}"


def _request(rows: Iterable[Row]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for (resource, scope), of_one in groupby(rows, lambda row: (row["ResourceAttributes"], row["ScopeName"])):
        of_resource = request.resource_spans.add()
        of_resource.resource.attributes.extend(_pairs(resource))
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = scope
        of_scope.spans.extend(map(_span, of_one))
    return request


def _span(row: Row) -> Span:
    return Span(
        trace_id=bytes.fromhex(row["TraceId"]),
        span_id=bytes.fromhex(row["SpanId"]),
        parent_span_id=bytes.fromhex(row["ParentSpanId"]),
        name=row["SpanName"],
        kind=_enum(Span.SpanKind.items(), row["SpanKind"], "SPAN_KIND_"),
        start_time_unix_nano=row["start_ns"],
        end_time_unix_nano=row["start_ns"] + row["duration_ns"],
        status=Status(
            code=_enum(Status.StatusCode.items(), row["StatusCode"], "STATUS_CODE_"), message=row["StatusMessage"]
        ),
        attributes=_pairs(row["SpanAttributes"]),
    )


def _enum(items: Iterable[tuple[str, Any]], name: str, prefix: str) -> Any:
    """Older exporters wrote SPAN_KIND_CLIENT, newer ones Client."""
    return dict(items).get(prefix + name.upper().removeprefix(prefix), 0)


def _pairs(attributes: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(_typed(text))) for key, text in attributes.items()]


def _typed(text: str) -> Any:
    """The exporter keeps text alone. What is exactly how JSON writes a number, a truth or a list was one."""
    if text[:1] not in "-0123456789tf[":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list):
        return value if all(isinstance(item, str | int | float) for item in value) else text
    whole = type(value) is not int or abs(value) < 2**63
    return value if whole and json.dumps(value) == text else text


def _value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}[type(value)]
    if kind == "int_value" and abs(value) >= 2**63:
        return AnyValue(string_value=str(value))
    return AnyValue(**{kind: value})
