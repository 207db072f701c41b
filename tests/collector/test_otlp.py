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
