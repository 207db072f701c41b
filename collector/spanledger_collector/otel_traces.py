"""What an OpenTelemetry Collector's ClickHouse exporter keeps in its table, as OTLP requests again. Nothing is changed.

https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from clickhouse_connect.driver.client import Client

Row = dict[str, Any]
TABLE: Final = "otel_traces"
NAME: Final = re.compile(r"\w+(\.\w+)?")
BATCH: Final = 1000  # spans in a request
HOUR_NS: Final = 3600 * 10**9  # read at once: the table is not in the order of time, and sorting takes memory
_EXCEPTION: Final = "exception.type"
_RAISED: Final = f"arrayFirst(of -> of['{_EXCEPTION}'] != '', `Events.Attributes`)['{_EXCEPTION}'] AS raised"
_COLUMNS: Final = (
    "toUnixTimestamp64Nano(Timestamp) AS start_ns, toUInt64(Duration) AS duration_ns, TraceId, SpanId, ParentSpanId, "
    "SpanName, SpanKind, StatusCode, StatusMessage, ScopeName, {attributes} AS attributes, {resource} AS resource, "
    "{raised}"
)


class Table:
    """Of one source; ``name`` is a table's, with or without its database."""

    def __init__(self, client: Client, name: str = TABLE) -> None:
        """Raises what the client does when the table is not there."""
        self._client, self._name = client, name
        described = client.query(f"DESCRIBE TABLE {name}").result_rows  # a name by itself, as `NAME` has it
        types = {str(row[0]): str(row[1]) for row in described}
        attributes, resource = (
            f"toJSONString({column})" if types[column].startswith("JSON") else column
            for column in ("SpanAttributes", "ResourceAttributes")
        )
        raised = _RAISED if types.get("Events.Attributes", "").startswith("Array(Map(") else "'' AS raised"
        self._columns = _COLUMNS.format(attributes=attributes, resource=resource, raised=raised)

    def requests(self, since_ns: int) -> Iterator[tuple[int, ExportTraceServiceRequest]]:
        """The spans that began at `since_ns` (UTC) or later, oldest first, each request with when its last began."""
        while (first := self._first(since_ns)) is not None:
            since_ns = (first // HOUR_NS + 1) * HOUR_NS
            yield from self._between(first, since_ns)

    def _first(self, since_ns: int) -> int | None:
        sql = f"SELECT count(), toUnixTimestamp64Nano(min(Timestamp)) FROM {self._name} WHERE {_at('since')}"  # noqa: S608
        ((count, first),) = self._client.query(sql, {"since": since_ns}).result_rows
        return int(first) if count else None

    def _between(self, first: int, last: int) -> Iterator[tuple[int, ExportTraceServiceRequest]]:
        window = f"{_at('first')} AND NOT {_at('last')}"
        sql = f"SELECT {self._columns} FROM {self._name} WHERE {window} ORDER BY Timestamp"  # noqa: S608 - a name
        numbers = {"output_format_json_quote_64bit_integers": 0}
        with self._client.query_row_block_stream(sql, {"first": first, "last": last}, settings=numbers) as blocks:
            names = blocks.source.column_names
            for block in blocks:
                for place in range(0, len(block), BATCH):
                    rows = [dict(zip(names, row, strict=True)) for row in block[place : place + BATCH]]
                    yield rows[-1]["start_ns"], request(rows)


def _at(bound: str) -> str:
    return f"Timestamp >= fromUnixTimestamp64Nano({{{bound}:Int64}})"


def request(rows: Iterable[Row]) -> ExportTraceServiceRequest:
    """Rows as ``Table`` reads them; neighbours of one resource and scope share both."""
    made = ExportTraceServiceRequest()
    for (resource, scope), of_one in groupby(rows, lambda row: (row["resource"], row["ScopeName"])):
        of_resource = made.resource_spans.add()
        of_resource.resource.attributes.extend(_pairs(resource))
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = scope
        of_scope.spans.extend(map(_span, of_one))
    return made


def _span(row: Row) -> Span:
    span = Span(
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
        attributes=_pairs(row["attributes"]),
    )
    if row["raised"]:
        span.events.add(name="exception").attributes.extend(_pairs({_EXCEPTION: row["raised"]}))
    return span


def _enum(items: Iterable[tuple[str, Any]], name: str, prefix: str) -> Any:
    """Older exporters wrote SPAN_KIND_CLIENT, newer ones Client."""
    return dict(items).get(prefix + name.upper().removeprefix(prefix), 0)


def _pairs(attributes: Mapping[str, str] | str) -> list[KeyValue]:
    """Of a map of texts, or of a JSON object whose dots became nesting."""
    if isinstance(attributes, str):
        return [KeyValue(key=key, value=_value(value)) for key, value in _flat(json.loads(attributes))]
    return [KeyValue(key=key, value=_value(_typed(text))) for key, text in attributes.items()]


def _flat(node: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}", value


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
    kind = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}.get(type(value))
    if kind is None or (kind == "int_value" and abs(value) >= 2**63):
        return AnyValue(string_value=json.dumps(value))
    return AnyValue(**{kind: value})
