"""Which spans of a request are accepted, and what is read from them."""

import pytest
from tests.support.otlp import body, chat_span, pairs, request

from spanledger_collector.otlp import CLOCK_AHEAD_NS, Unreadable, check, decode

NOW = 1_800_000_000 * 10**9


def span(**changes):
    changed = chat_span()
    changed.start_time_unix_nano, changed.end_time_unix_nano = NOW, NOW + 5
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


BAD = {
    "trace_id": {"trace_id": bytes(16)},
    "span_id": {"span_id": b"12345678901"},
    "parent_span_id": {"parent_span_id": b"1"},
    "no_start_time": {"start_time_unix_nano": 0},
    "clock_ahead": {"start_time_unix_nano": NOW + CLOCK_AHEAD_NS + 1, "end_time_unix_nano": NOW + CLOCK_AHEAD_NS + 1},
    "end_before_start": {"end_time_unix_nano": NOW - 10**9 - 1},
}


@pytest.mark.parametrize(("reason", "changes"), BAD.items())
def test_a_bad_span_is_refused_with_its_reason_and_never_decoded(reason, changes):
    data = body(span(**changes), span(name="good"))
    checked = check(data, NOW)
    assert (checked.accepted, checked.refused) == (1, {reason: 1})
    assert [decoded.name for decoded in decode(data, NOW)] == ["good"]


def test_too_many_attributes_refuse_the_span():
    crowded = span()
    crowded.attributes.extend(pairs({f"a{index}": 1 for index in range(1024)}))
    assert check(body(crowded), NOW).refused == {"attributes": 1}


def raw_attribute(text: bytes) -> bytes:
    """A span's attribute `k` whose text is these bytes, as protobuf field 9."""
    value = b"\x0a" + bytes([len(text)]) + text
    pair = b"\x0a\x01k\x12" + bytes([len(value)]) + value
    return b"\x4a" + bytes([len(pair)]) + pair


def nested(depth: int) -> bytes:
    """A span's attribute whose value is a list in a list in a list ..."""
    value = b"\x0a\x04core"
    for _ in range(depth):
        value = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(value)) + value
    pair = b"\x0a\x04deep\x12" + varint(len(value)) + value
    return b"\x4a" + varint(len(pair)) + pair


def within(span_bytes: bytes) -> bytes:
    """A request of the given span and a good one."""
    request = body(span(name="good"))
    scope_spans = b"\x12" + varint(len(span_bytes)) + span_bytes
    of_resource = b"\x12" + varint(len(scope_spans)) + scope_spans
    return b"\x0a" + varint(len(of_resource)) + of_resource + request


def varint(number: int) -> bytes:
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


@pytest.mark.parametrize(
    "attribute", [raw_attribute(b"\xff\xfe"), b"\x4a\x02\xff\xff", b"\x4a" + varint(3) + b"\x0a\x50a"]
)
def test_a_malformed_attribute_costs_its_span_and_not_the_request(attribute):
    data = within(span().SerializeToString() + attribute)
    checked = check(data, NOW)
    assert (checked.accepted, checked.refused) == (1, {"malformed": 1})
    assert [decoded.name for decoded in decode(data, NOW)] == ["good"]


@pytest.mark.parametrize(("depth", "accepted"), [(20, 2), (400, 1)])
def test_values_may_nest_but_not_without_end(depth, accepted):
    data = within(span().SerializeToString() + nested(depth))
    assert check(data, NOW).accepted == accepted
    assert len(list(decode(data, NOW))) == accepted


def test_a_resource_that_is_malformed_costs_its_spans_alone():
    bad = b"\x0a\x04\x0a\x02\xff\xff" + b"\x12" + varint(len(inner := b"\x12" + spans())) + inner
    data = b"\x0a" + varint(len(bad)) + bad + body(span(name="good"))
    assert check(data, NOW).refused == {"malformed": 1}
    assert [decoded.name for decoded in decode(data, NOW)] == ["good"]


def spans() -> bytes:
    content = span().SerializeToString()
    return varint(len(content)) + content


def test_a_month_old_span_is_welcome():
    assert check(body(span()), NOW + 40 * 86_400 * 10**9).accepted == 1


def test_the_clock_that_counts_is_that_of_the_receipt():
    data = body(span())
    assert check(data, NOW - 2 * CLOCK_AHEAD_NS).refused == {"clock_ahead": 1}
    assert list(decode(data, NOW - 2 * CLOCK_AHEAD_NS)) == []


def test_a_stepped_clock_gives_a_duration_of_zero():
    decoded = next(decode(body(span(end_time_unix_nano=NOW - 10)), NOW))
    assert decoded.start_ns == decoded.end_ns == NOW


def test_every_kind_of_attribute_is_read():
    values = {
        "s": "x",
        "empty": "",
        "i": 5,
        "f": 0.5,
        "b": True,
        "bytes": b"\0",
        "list": [1, "two"],
        "map": {"k": [False]},
    }
    sent = span()
    sent.attributes.extend(pairs(values))
    sent.attributes.add(key="nothing")
    attributes = next(decode(body(sent), NOW)).attributes
    assert {key: attributes[key] for key in values} == values
    assert attributes["nothing"] is None


def test_enum_values_of_a_later_version_are_unspecified():
    sent = span(kind=77)
    sent.status.code = 9
    decoded = next(decode(body(sent), NOW))
    assert (decoded.kind, decoded.status) == (0, 0)


def test_an_all_zero_parent_is_no_parent():
    assert next(decode(body(span(parent_span_id=bytes(8))), NOW)).parent_span_id == b""


def test_spans_of_one_resource_share_its_attributes():
    first, second = decode(body(span(), span(), service="shop"), NOW)
    assert first.resource is second.resource
    assert first.resource["service.name"] == "shop"


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_truncated_request_is_unreadable(cut):
    with pytest.raises(Unreadable, match="not an OTLP ExportTraceServiceRequest"):
        check(request(span()).SerializeToString()[:-cut], NOW)
