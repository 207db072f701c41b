"""A parameter that cannot be used is refused by name and value, with what would do."""

import pytest

from spanledger_collector.queries import QUERIES, BadParameter, UnknownQuery, run
from spanledger_collector.queries.parameter import moment

REFUSED = [
    ("totals", {"from": ["yesterday"]}, r"'from' cannot be 'yesterday': use RFC 3339"),
    ("totals", {"from": ["2026-11-01"]}, r"'from' cannot be '2026-11-01'"),
    ("totals", {"from": ["2026-11-01T00:00:00"]}, r"with a zone"),
    ("totals", {"from": ["2026-11-01T00:00:00 01:00"]}, r"%2B"),
    ("totals", {"from": ["2026-13-01T00:00:00Z"]}, r"'from' cannot be '2026-13-01"),
    ("totals", {"to": ["2500-01-01T00:00:00Z"]}, r"from 1970 to 2105"),
    (
        "totals",
        {"from": ["2026-11-02T00:00:00Z"], "to": ["2026-11-01T00:00:00Z"]},
        r"'from' .* is after 'to' .*exchange",
    ),
    ("totals", {"from": ["2026-11-02T00:00:00Z"] * 2}, r"'from' is given 2 times"),
    ("totals", {"modle": ["gpt-5"]}, r"'modle' is not known here; known are from, to, service"),
    ("spend_by", {}, r"'by' is missing"),
    ("spend_by", {"by": ["user; DROP TABLE calls"]}, r"use one of service, environment"),
    ("spend_over_time", {"bucket": ["week"]}, r"'bucket' cannot be 'week': use one of hour, day"),
    ("latest_calls", {"limit": ["0"]}, r"whole number from 1 to 1000"),
    ("latest_calls", {"limit": ["1001"]}, r"'limit' cannot be '1001'"),
    ("latest_calls", {"limit": ["٣"]}, r"whole number"),
    ("trace", {"trace_id": ["abc"]}, r"32 hexadecimal digits"),
    ("trace", {}, r"'trace_id' is missing"),
]


@pytest.mark.parametrize(("name", "params", "text"), REFUSED)
def test_a_bad_parameter_is_named_with_its_value_and_the_remedy(opened, name, params, text):
    with pytest.raises(BadParameter, match=text):
        opened.run(name, params)


def test_an_unknown_query_is_answered_with_those_there_are(opened):
    with pytest.raises(UnknownQuery, match="'total'; there are totals, spend_over_time"):
        run(opened.store, "total", {})


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01.5z", 1_500_000_000),
        ("2026-11-02T12:00:00.123456789Z", 1_793_620_800_123_456_789),
    ],
)
def test_a_moment_is_read_to_the_nanosecond(text, nanoseconds):
    assert moment(text) == nanoseconds


@pytest.mark.parametrize("hostile", ["'", "\\", "') OR 1=1 --", "{from:Int64}", "日本\n\t\x00", ""])
def test_a_filter_is_a_value_whatever_it_contains(ledger, hostile):
    from tests.support.calls import make_call

    ledger.write([make_call(service=hostile, span_id=b"1" * 8), make_call(service="other", span_id=b"2" * 8)])
    assert [row["service"] for row in ledger.rows("services", service=hostile)] == [hostile]


def test_every_query_and_parameter_says_what_it_is():
    for name, query in QUERIES.items():
        assert query.doc.endswith("."), name
        assert all(parameter.doc.endswith(".") for parameter in query.parameters), name
