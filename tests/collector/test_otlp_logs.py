"""A log record that cannot be read is refused alone, with the reason, and its neighbours live."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from spanledger_collector import otlp_logs
from spanledger_collector.otlp import REASONS, Unreadable

NOW = 1_800_000_000 * 10**9
GOOD = LogRecord(time_unix_nano=NOW, event_name="api_request").SerializeToString()
NOT_UTF8 = b"\x62\x01\xff"  # an event name
CUT_SHORT = b"\x62\x7f"
BAD_ATTRIBUTE = b"\x32\x04\x0a\x02\xff\xfe"
IDENTITY = "c6f91b13c39c940d46cf83a152c129ee0869304e44aae0b5"  # as stored by releases before


def field(number: int, payload: bytes) -> bytes:
    assert len(payload) < 0x80
    return bytes([number << 3 | 2, len(payload)]) + payload


def scope(*records: bytes, name: bytes = b"cli") -> bytes:
    return field(1, field(1, name)) + b"".join(field(2, record) for record in records)


def request(*scopes: bytes, resource: bytes = b"") -> bytes:
    return field(1, field(1, resource) + b"".join(field(2, each) for each in scopes))


@pytest.mark.parametrize("bad", [NOT_UTF8, CUT_SHORT, BAD_ATTRIBUTE], ids=["text", "cut", "attribute"])
def test_a_malformed_record_is_refused_alone(bad):
    sent = request(scope(GOOD, bad, GOOD))
    checked = otlp_logs.check(sent, NOW)
    assert (checked.accepted, checked.refused) == (2, {"malformed": 1})
    assert checked.message == f"1 refused: {REASONS['malformed']}"
    assert [event.name for event in otlp_logs.decode(sent, NOW)] == ["api_request"] * 2


@pytest.mark.parametrize(
    "group",
    [request(scope(GOOD, GOOD, name=b"\xff")), request(scope(GOOD, GOOD), resource=BAD_ATTRIBUTE[:1])],
    ids=["scope", "resource"],
)
def test_what_stands_under_a_malformed_scope_or_resource_is_refused_with_it(group):
    sent = group + request(scope(GOOD))
    checked = otlp_logs.check(sent, NOW)
    assert (checked.accepted, checked.refused) == (1, {"malformed": 2})
    assert len(list(otlp_logs.decode(sent, NOW))) == 1


def test_a_record_keeps_its_identity():
    """By its own bytes: those of a request that a whole schema reads are the same."""
    sent = request(scope(GOOD))
    assert ExportLogsServiceRequest.FromString(sent).SerializeToString() == sent
    (event,) = otlp_logs.decode(sent, NOW)
    assert (event.trace_id + event.span_id).hex() == IDENTITY


def test_bytes_that_are_no_request_are_refused_whole():
    with pytest.raises(Unreadable, match="ExportLogsServiceRequest"):
        otlp_logs.check(b"\x0a\x7f", NOW)
