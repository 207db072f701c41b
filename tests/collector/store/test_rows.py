"""What is written is what is read, and nothing a sender can put into a span stops a segment."""

from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span

from spanledger_collector.model import Cost, Usage


def stored(store, call):
    store.write(1, [call], [])
    return store.query("SELECT * FROM calls").to_pylist()[0]


def stored_span(store, span):
    store.write(1, [], [span])
    row = store.query("SELECT * FROM spans").to_pylist()[0]
    return row | {"attributes": dict(row["attributes"]), "resource": dict(row["resource"])}


def test_money_is_kept_to_the_last_digit(store):
    cost = Cost(
        Decimal("0.000000000000000001"), input=Decimal("0.1"), grade="measured", price="openai/gpt-4.1@2025-04-14"
    )
    row = stored(store, make_call(Usage(1), cost=cost))
    assert (row["cost"], row["cost_input"], row["price"]) == (cost.total, cost.input, cost.price)


def test_an_unknown_cost_is_null_and_never_zero(store):
    row = stored(store, make_call(Usage(1), cost=Cost(None, reason="no price")))
    assert (row["cost"], row["cost_grade"], row["cost_reason"]) == (None, "unknown", "no price")


@pytest.mark.parametrize("usage", [None, Usage(grade="absent")])
def test_tokens_nobody_reported_are_null_and_never_zero(store, usage):
    row = stored(store, make_call(usage))
    assert (row["input_tokens"], row["output_tokens"], row["usage_grade"]) == (None, None, "absent")


def test_disjoint_parts_are_kept_beside_their_inclusive_sums(store):
    row = stored(store, make_call(Usage(1, 2, 4, 8, 16, 32, 64, 5)))
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (31, 96, 5)
    assert (row["uncached_input_tokens"], row["cache_write_1h_tokens"], row["audio_output_tokens"]) == (1, 8, 64)


def test_times_keep_their_nanoseconds(store):
    store.write(1, [make_call(start_ns=1_790_000_000_123_456_789, first_chunk_ns=7)], [])
    row = store.query("SELECT toUnixTimestamp64Nano(start) AS ns, first_chunk_ns FROM calls").to_pylist()[0]
    assert row == {"ns": 1_790_000_000_123_456_789, "first_chunk_ns": 7}


def test_tags_and_text_survive_quotes_newlines_and_other_alphabets(store):
    text = 'O\'Neill \\ "x"\n\t日本 🧾 {n:Int8}'
    row = stored(store, make_call(feature=text, tags={text: text}))
    assert (row["feature"], row["tags"]) == (text, [(text, text)])


HOSTILE = {
    "attempts": (10**9, 65_535),
    "http_status": (-5, 0),
    "code_line": (2**63, 2**32 - 1),
    "duration_ns": (-1, 0),
    "error_type": ("half \ud83d pair", "half ? pair"),
}


@pytest.mark.parametrize("field", HOSTILE)
def test_a_value_its_column_cannot_hold_is_brought_into_range(store, field):
    sent, kept = HOSTILE[field]
    assert stored(store, make_call(**{field: sent}))[field] == kept


def test_a_cost_with_more_digits_than_the_column_is_rounded_to_the_nearest_last_digit(store):
    row = stored(store, make_call(Usage(1), cost=Cost(Decimal(2) / Decimal(3), grade="measured")))
    assert row["cost"] == Decimal("0.666666666666666667")


def test_attributes_keep_their_kind_as_json(store):
    sent = {"text": "a", "flag": True, "count": 3, "share": 0.5, "list": ["a", 1], "none": None, "raw": b"\x00\xff"}
    kept = stored_span(store, make_span(sent))["attributes"]
    assert kept == {
        "text": "a", "flag": "true", "count": "3", "share": "0.5", "list": '["a",1]', "none": "", "raw": "00ff",
    }  # fmt: skip


def test_a_huge_attribute_is_cut_visibly_and_counted(store):
    written = store.write(1, [], [make_span({"prompt": "x" * 100_000, "short": "y"})])
    kept = dict(store.query("SELECT attributes FROM spans").to_pylist()[0]["attributes"])
    assert written.cut_values == 1
    assert len(kept["prompt"]) < 10_000
    assert kept["prompt"].endswith("[cut]")


def test_a_span_keeps_its_resource_status_and_service(store):
    span = make_span({}, status=2, status_message="overloaded", resource={"service.name": "shop", "host.name": "h"})
    row = stored_span(store, span)
    assert (row["service"], row["status_message"], row["status"]) == ("shop", "overloaded", 2)
    assert row["resource"] == {"service.name": "shop", "host.name": "h"}


def test_half_a_surrogate_pair_in_an_attribute_does_not_stop_the_segment(store):
    assert stored_span(store, make_span({"k\ud83d": "v\ud83d"}))["attributes"] == {"k?": "v?"}
