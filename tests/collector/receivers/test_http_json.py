"""One bad record of a request in JSON: it is refused with its place, and its neighbours are kept."""

from __future__ import annotations

import json

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.otlp import chat_span, request

from spanledger_collector.otlp import MAX_ATTRIBUTES, REASONS

MALFORMED = f"refused: {REASONS['malformed']}; "
SPANS = "resourceSpans[0].scopeSpans[0].spans"
DEEP: dict = {"stringValue": "end"}
for _ in range(60):
    DEEP = {"arrayValue": {"values": [DEEP]}}
BAD = [
    ({"traceId": "xy"}, "traceId is not hexadecimal: 'xy'"),
    ({"parentSpanId": 7}, "parentSpanId is not hexadecimal: '7'"),
    ({"startTimeUnixNano": "soon"}, "startTimeUnixNano"),
    ({"attributes": 3}, "attributes"),
    ({"attributes": [{"key": "deep", "value": DEEP}]}, "too deep"),
    ({"name": "\ud800"}, "name"),
    ({"startTimeUnixNano": "\ud800"}, "startTimeUnixNano"),
]


def told(span):
    """A span as OTLP/JSON has it."""
    ids = {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
    return MessageToDict(span) | ids


def document(*spans):
    """A request with these instead of spans of its own."""
    whole = MessageToDict(request())
    whole["resourceSpans"][0]["scopeSpans"][0]["spans"] = list(spans)
    return whole


def post(to, content, path="/v1/traces"):
    sent = content if isinstance(content, bytes) else json.dumps(content)
    url, headers = to.http + path, {"content-type": "application/json"}
    answer = httpx.post(url, content=sent, headers=headers, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json().get("partialSuccess", {})


def kept(to):
    return [ExportTraceServiceRequest.FromString(each) for each in to.bodies()]


def refused(to, reason="malformed", unit="spans"):
    return to.counters.total(f"spanledger_{unit}_refused_total", reason=reason)


@pytest.mark.parametrize(("wrong", "says"), BAD)
def test_a_malformed_span_is_refused_alone_and_its_place_is_told(listen, wrong, says):
    to, before, after = listen(), chat_span(), chat_span()
    answer = post(to, document(told(before), told(chat_span()) | wrong, told(after)))
    assert answer["rejectedSpans"] == "1"
    assert answer["errorMessage"].startswith(f"1 {MALFORMED}{SPANS}[1]: ")
    assert says in answer["errorMessage"]
    assert kept(to) == [request(before, after)]
    assert (refused(to), to.counters.total("spanledger_spans_received_total")) == (1, 2)


@pytest.mark.parametrize("wrong", [7, None, [1]])
def test_what_is_no_object_is_refused_alone(listen, wrong):
    to, good = listen(), chat_span()
    assert post(to, document(wrong, told(good)))["rejectedSpans"] == "1"
    assert kept(to) == [request(good)]


def test_a_text_that_is_not_utf_8_costs_its_span(listen):
    to, good = listen(), chat_span()
    sent = json.dumps(document(told(chat_span()) | {"name": "NAME"}, told(good))).encode()
    assert f"{SPANS}[0]: " in post(to, sent.replace(b"NAME", b"\xff\xfe"))["errorMessage"]
    assert kept(to) == [request(good)]


def test_a_malformed_resource_costs_its_own_spans(listen):
    to, good = listen(), chat_span()
    bad = document(told(chat_span()), told(chat_span()))["resourceSpans"][0] | {"resource": {"attributes": 3}}
    sent = document(told(good))
    sent["resourceSpans"].insert(0, bad)
    answer = post(to, sent)
    assert (answer["rejectedSpans"], refused(to)) == ("2", 2)
    assert f"2 {MALFORMED}resourceSpans[0]: " in answer["errorMessage"]
    assert kept(to) == [request(good)]


@pytest.mark.parametrize("wrong", [3, {"scopeSpans": 3}, {"scopeSpans": [3]}, {"scopeSpans": [{"spans": {}}]}])
def test_a_resource_of_another_shape_costs_nobody_else(listen, wrong):
    to, good = listen(), chat_span()
    sent = document(told(good))
    sent["resourceSpans"].append(wrong)
    assert post(to, sent)["rejectedSpans"] == "1"
    assert [span for each in kept(to) for span in each.resource_spans[0].scope_spans[0].spans] == [good]


def test_what_is_malformed_and_what_breaks_a_limit_are_told_together(listen):
    to, good = listen(), chat_span()
    crowded = chat_span(**{f"a{number}": 1 for number in range(MAX_ATTRIBUTES + 1)})
    answer = post(to, document(told(crowded), told(good), {"spanId": "xy"}))
    assert answer["rejectedSpans"] == "2"
    assert answer["errorMessage"].startswith(f"1 refused: {REASONS['attributes']}; 1 {MALFORMED}{SPANS}[2]: ")
    assert (refused(to), refused(to, "attributes")) == (1, 1)
    assert to.counters.total("spanledger_spans_received_total") == 1


def test_a_request_of_malformed_spans_alone_is_not_kept_and_a_few_places_are_told(listen):
    to = listen()
    answer = post(to, document(*[{"traceId": "xy"}] * 1000))
    assert (answer["rejectedSpans"], refused(to), to.bodies()) == ("1000", 1000, [])
    assert answer["errorMessage"].count("not hexadecimal") == 5
    assert answer["errorMessage"].endswith("; 995 more places")


def test_names_as_protobuf_has_them_are_read_in_the_same_way(listen):
    to, good = listen(), chat_span()
    scope = {"scope": {"name": "tests"}, "spans": [told(good), {"spanId": "xy"}]}
    of_service = document()["resourceSpans"][0]["resource"]
    assert post(to, {"resource_spans": [{"resource": of_service, "scope_spans": [scope]}]})["rejectedSpans"] == "1"
    assert kept(to) == [request(good)]


@pytest.mark.parametrize("wrong", [7, {"spanId": "xy"}, {"timeUnixNano": "soon"}, {"body": {"stringValue": 3}}])
def test_a_malformed_log_record_is_refused_alone_and_its_place_is_told(listen, wrong):
    to, good = listen(), {"timeUnixNano": "1", "eventName": "app.event"}
    answer = post(to, {"resourceLogs": [{"scopeLogs": [{"logRecords": [good, wrong, good]}]}]}, "/v1/logs")
    assert answer["rejectedLogRecords"] == "1"
    assert answer["errorMessage"].startswith(f"1 {MALFORMED}resourceLogs[0].scopeLogs[0].logRecords[1]: ")
    (sent,) = to.bodies("logs")
    records = ExportLogsServiceRequest.FromString(sent).resource_logs[0].scope_logs[0].log_records
    assert [record.event_name for record in records] == ["app.event", "app.event"]
    assert (refused(to, unit="log_records"), to.counters.total("spanledger_log_records_received_total")) == (1, 2)
