"""Bytes and values nobody sane would send: each is judged alike on receipt and on replay, and stops nothing."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.normalise.recordings import recordings
from tests.support.otlp import body, chat_span, pairs

from spanledger_collector import normalise, otlp, otlp_logs
from spanledger_collector.otlp import Unreadable
from spanledger_collector.pricing import Book
from spanledger_collector.receivers.otlp_json import read, to_protobuf
from spanledger_collector.store import call_rows, span_rows

NOW = 1_800_000_000 * 10**9
BOOK = Book()
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_log_request() -> bytes:
    logs = ExportLogsServiceRequest()
    of_resource = logs.resource_logs.add()
    of_resource.resource.attributes.extend(pairs({"service.name": "cli"}))
    record = of_resource.scope_logs.add().log_records.add(time_unix_nano=NOW, event_name="api_request")
    record.attributes.extend(pairs({"model": "m", "input_tokens": 7, "list": [1, "a"], "map": {"k": True}}))
    record.body.string_value = "told"
    return logs.SerializeToString()


SEEDS = {
    otlp: body(chat_span(user="ada", list=["a", 1], map={"k": 1.5}), chat_span()),
    otlp_logs: a_log_request(),
}


@st.composite
def mutated(draw, seed: bytes) -> bytes:
    """The seed with bytes replaced, cut out and put in."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 6))
        data[place : place + length] = draw(st.binary(max_size=6))
    return bytes(data)


@pytest.mark.parametrize("reader", SEEDS, ids=["traces", "logs"])
@given(st.data())
@MANY
def test_what_is_accepted_is_what_is_decoded_whatever_the_bytes(reader, data):
    sent = data.draw(st.binary(max_size=200) | mutated(SEEDS[reader]))
    try:
        checked = reader.check(sent, NOW)
    except Unreadable:
        return
    decoded = list(reader.decode(sent, NOW))
    assert len(decoded) == checked.accepted
    assert span_rows.table(decoded).num_rows == len(decoded)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
SPAN_KEYS = ["traceId", "spanId", "name", "kind", "attributes", "startTimeUnixNano", "status", "events"]


@given(st.dictionaries(st.sampled_from(SPAN_KEYS), JSON_VALUES, max_size=6))
@MANY
def test_json_becomes_a_request_or_is_refused(span):
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    try:
        sent = to_protobuf(json.dumps(document).encode("utf-8", "surrogatepass"), ExportTraceServiceRequest())
        otlp.check(sent, NOW)
    except Unreadable:
        return
    list(otlp.decode(sent, NOW))


@given(st.dictionaries(st.sampled_from(SPAN_KEYS), JSON_VALUES, max_size=6) | JSON_VALUES)
@MANY
def test_whatever_stands_beside_a_good_span_in_json_the_span_is_accepted(beside):
    good = {"traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": NOW - 9, "endTimeUnixNano": NOW}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [beside, good]}]}]}
    sent, unread = read(json.dumps(document).encode(), ExportTraceServiceRequest)
    checked = otlp.check(sent, NOW) + unread
    assert checked.accepted + sum(checked.refused.values()) == 2
    assert bytes.fromhex(good["spanId"]) in {span.span_id for span in otlp.decode(sent, NOW)}


COUNTS = [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "spanledger.attempts",
    "http.response.status_code",
    "gen_ai.response.time_to_first_chunk",
]
HOSTILE = [-1, -(2**63), 2**63 - 1, math.nan, math.inf, -math.inf, 1e300, "7", "-7", "seven", "", True, [1], {"n": 1}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", COUNTS)
def test_no_count_is_taken_for_more_than_it_is(name, value):
    span = next(otlp.decode(body(chat_span(**{name.replace(".", "__"): value})), 2 * NOW))
    call = normalise.to_call(span)
    call.cost = BOOK.price(call)
    assert call.cost.total is None or Decimal(0) <= call.cost.total < Decimal(10**9)
    assert call_rows.table([call]).num_rows == 1
    if call.usage:
        assert min(call.usage.input_tokens, call.usage.output_tokens, call.usage.cache_read) >= 0


@pytest.mark.parametrize("value", [{"n": 1}, [None, [1]], b"\xff", math.nan, -(2**63)], ids=repr)
def test_no_dialect_breaks_on_a_value_of_another_kind(value):
    seen = set()
    for recording in recordings():
        for span in recording.spans():
            for name in span.attributes:
                if (recording.emitter, name) not in seen:
                    seen.add((recording.emitter, name))
                    normalise.to_call(replace(span, attributes={**span.attributes, name: value}))
    assert len(seen) > 100


def test_ten_thousand_attributes_cost_their_span_alone():
    crowded = chat_span()
    crowded.attributes.extend(pairs({f"a{place}": place for place in range(10_000)}))
    sent = body(crowded, chat_span())
    checked = otlp.check(sent, 2 * NOW)
    assert (checked.accepted, checked.refused) == (1, {"attributes": 1})
    assert len(list(otlp.decode(sent, 2 * NOW))) == 1


def test_a_text_of_megabytes_is_accepted_and_kept_short():
    spans = list(otlp.decode(body(chat_span(prompt="x" * 2**22)), 2 * NOW))
    kept = dict(span_rows.table(spans).column("attributes")[0].as_py())
    assert len(kept["prompt"]) < 10_000
