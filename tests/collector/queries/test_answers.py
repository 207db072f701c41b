"""What each query answers, on ledgers small enough to work out by hand."""

import json
from decimal import Decimal

import pytest
from tests.support.calls import NOON, make_call, make_span, nanoseconds

from spanledger_collector import queries
from spanledger_collector.model import Cost, Usage
from spanledger_collector.queries import QUERIES
from spanledger_collector.tellings import telling

NOON_NS = nanoseconds(NOON)
SECOND = 10**9
PRICED = Cost(Decimal("0.5"), grade="measured")


def calls(*many):
    """Each with a span id of its own."""
    return [
        make_call(Usage(10, output=5), **{"span_id": place.to_bytes(8, "big"), **fields})
        for place, fields in enumerate(many)
    ]


def column(rows, name):
    return [row[name] for row in rows]


def test_an_empty_ledger_has_cost_nothing_and_knows_no_coverage(ledger):
    row = ledger.rows("totals")[0]
    assert (row["calls"], row["cost_usd"], row["coverage"]) == (0, Decimal(0), None)


def test_calls_without_any_known_cost_have_no_total(ledger):
    ledger.write(calls({}, {}))
    row = ledger.rows("totals")[0]
    assert (row["cost_usd"], row["coverage"], row["unpriced_calls"]) == (None, 0.0, 2)


def test_a_call_that_cost_nothing_is_priced(ledger):
    ledger.write(calls({"cost": Cost(Decimal(0), grade="measured")}))
    row = ledger.rows("totals")[0]
    assert (row["cost_usd"], row["coverage"]) == (Decimal(0), 1.0)


@pytest.mark.parametrize("name", [name for name in QUERIES if name != "trace"])
def test_every_query_answers_an_empty_ledger_with_its_columns(ledger, name):
    needs_by = any(p.name == "by" and p.required for p in QUERIES[name].parameters)
    table = ledger.run(name, {"by": ["model"]} if needs_by else {})
    columns = [column.name for column in QUERIES[name].columns if column.name != "key" or needs_by]
    assert table.column_names == columns or name == "findings"


def test_money_comes_first_and_keys_without_known_cost_last(ledger):
    dear = Cost(Decimal(2), grade="measured")
    ledger.write(calls({"model": "unknown"}, {"model": "cheap", "cost": PRICED}, {"model": "dear", "cost": dear}))
    assert column(ledger.rows("spend_by", by="model"), "key") == ["dear", "cheap", "unknown"]
    assert column(ledger.rows("spend_by", by="model", limit="1"), "key") == ["dear"]


def test_calls_without_a_feature_can_be_asked_for(ledger):
    ledger.write(calls({"feature": ""}, {"feature": "chat"}))
    assert ledger.rows("totals", feature="")[0]["calls"] == 1


def test_quantiles_are_exact_and_leave_failed_calls_out(ledger):
    timed = [{"duration_ns": n * SECOND, "first_chunk_ns": n * SECOND // 10} for n in range(1, 101)]
    ledger.write(calls(*timed, {"duration_ns": 10**15, "outcome": "error"}))
    row = ledger.rows("latency")[0]
    assert row == pytest.approx(
        {"calls": 100, "p50_ms": 50_500, "p95_ms": 95_050, "p99_ms": 99_010,
         "first_chunk_p50_ms": 5_050, "first_chunk_p95_ms": 9_505}
    )  # fmt: skip


def test_a_call_of_a_batch_is_not_timed(ledger):
    batch = {"duration_ns": 0, "service_tier": "batch"}  # it was over when its reply was read
    ledger.write(calls({"duration_ns": SECOND}, batch, {"duration_ns": 3 * SECOND, "service_tier": "flex"}, batch))
    row = ledger.rows("latency")[0]
    assert (row["calls"], row["p50_ms"]) == (2, 2000.0)
    assert sum(column(ledger.rows("durations"), "calls")) == 2
    assert sorted(column(ledger.rows("latest_calls"), "duration_ms"), key=str) == [1000.0, 3000.0, None, None]


def test_time_to_first_chunk_is_null_where_nothing_was_streamed(ledger):
    ledger.write(calls({"model": "a"}))
    row = ledger.rows("latency", by="model")[0]
    assert (row["key"], row["first_chunk_p50_ms"], row["p50_ms"]) == ("a", None, 1000.0)


def test_calls_with_a_first_chunk_are_those_that_its_quantiles_are_of(ledger):
    streamed = {"model": "a", "first_chunk_ns": SECOND}
    others = ({"model": "a"}, streamed | {"outcome": "error"}, streamed | {"service_tier": "batch"})
    ledger.write(calls(streamed, streamed | {"model": "b"}, *others))
    assert ledger.rows("first_chunks") == [{"calls": 2}]
    assert ledger.rows("first_chunks", by="model") == [{"key": "a", "calls": 1}, {"key": "b", "calls": 1}]


def test_latency_of_no_calls_is_null(ledger):
    assert ledger.rows("latency")[0] == {name: 0 if name == "calls" else None for name in ledger.rows("latency")[0]}


def test_failures_are_only_the_calls_that_ended_in_an_error(ledger):
    limited = {"outcome": "error", "error_type": "RateLimitError", "http_status": 429}
    dropped = {"outcome": "error", "error_type": "APIConnectionError", "http_status": 0}
    ledger.write(calls(limited, limited, dropped, {"outcome": "cancelled"}, {"outcome": "ok"}))
    rows = ledger.rows("failures")
    assert [(r["error_type"], r["http_status"], r["calls"]) for r in rows] == [
        ("RateLimitError", 429, 2),
        ("APIConnectionError", None, 1),
    ]


def test_the_latest_calls_come_newest_first_across_hours(ledger):
    starts = [NOON_NS + n * 1800 * SECOND for n in (2, 0, 5, 3)]
    ledger.write(calls(*({"start_ns": start, "response_id": str(start)} for start in starts)))
    rows = ledger.rows("latest_calls", limit="3")
    assert [row["start"].value for row in rows] == sorted(starts, reverse=True)[:3]


def test_a_search_of_attributes_gives_the_newest_calls_up_to_the_limit(ledger):
    hour = 3600 * 10**9
    calls = [make_call(span_id=bytes([n] * 8), start_ns=NOON_NS + n % 4 * hour + n) for n in range(10, 18)]
    spans = [make_span({"x": "1"}, span_id=call.span_id, start_ns=call.start_ns) for call in calls]
    beside = [make_span({"x": "1"}, span_id=bytes([n] * 8), start_ns=NOON_NS + 9 * hour) for n in range(30, 40)]
    ledger.write(calls, [*spans, *spans, *beside])
    newest = [call.span_id.hex() for call in sorted(calls, key=lambda call: call.start_ns, reverse=True)]
    for text in ("x=1", "x=1 gpt-4.1", "x=1 model=gpt-4.1"):
        assert [row["span_id"] for row in ledger.rows("latest_calls", q=text, limit="5")] == newest[:5]
    assert [row["span_id"] for row in ledger.rows("latest_calls", q="x=1")] == newest


def test_a_latest_call_shows_where_it_was_made_and_what_is_not_known(ledger):
    ledger.write([make_call(None, code_file="/app/x.py", code_line=7, cost=Cost(None, reason="no usage"))])
    row = ledger.rows("latest_calls")[0]
    assert (row["call_site"], row["cost_usd"], row["cost_reason"]) == ("/app/x.py:7", None, "no usage")
    assert (row["input_tokens"], row["first_chunk_ms"], row["trace_id"]) == (None, None, "74" * 16)


def test_a_trace_is_its_spans_in_order_with_the_cost_of_the_billed_ones(ledger):
    root = make_span({"http.route": "/ask"}, span_id=b"root----", parent_span_id=b"", name="GET", kind=2)
    billed = make_span({}, span_id=b"billed--", parent_span_id=b"root----", start_ns=root.start_ns + 1)
    other = make_span({}, trace_id=b"o" * 16)
    ledger.write([make_call(span_id=b"billed--", cost=PRICED)], [billed, root, other])
    first, second = ledger.rows("trace", trace_id=(b"t" * 16).hex().upper())
    assert (first["kind"], first["parent_span_id"], first["cost_grade"]) == ("server", None, None)
    assert first["attributes"] == [("http.route", "/ask")]
    assert (second["cost_usd"], second["cost_grade"]) == (Decimal("0.5"), "measured")
    assert bytes.fromhex(second["parent_span_id"]) == b"root----"


def test_services_say_when_they_were_seen_and_whether_they_are_made_up(ledger):
    later = NOON_NS + 90 * SECOND
    ledger.write(calls({"service": "shop"}, {"service": "shop", "start_ns": later}, {"service": "demo", "demo": True}))
    demo, shop = ledger.rows("services")
    assert (demo["demo"], shop["demo"], shop["calls"]) == (True, False, 2)
    assert (shop["first_seen"].value, shop["last_seen"].value) == (NOON_NS, later)


def test_the_ledger_begins_with_its_first_call_that_still_stands(ledger):
    assert ledger.rows("beginning") == []
    starts = [NOON_NS + 90 * SECOND, NOON_NS, NOON_NS - 9 * 3600 * SECOND]
    made = calls(*({"start_ns": start} for start in starts))
    ledger.write(made)
    assert [row["first_seen"].value for row in ledger.rows("beginning")] == [starts[2]]
    ledger.store.retell(10**15, [(telling(made[2]), (bytes(16), bytes(8)))])
    assert [row["first_seen"].value for row in ledger.rows("beginning")] == [NOON_NS]


def test_names_come_with_most_money_first_of_each_dimension_and_without_those_of_no_name(ledger):
    costs = [{"model": "dear", "cost": Cost(Decimal(2), grade="measured")}, {"model": "none", "cost": Cost(None)}]
    ledger.write(calls({"model": "cheap", "cost": PRICED, "team": ""}, *costs, {"model": "dear", "cost": Cost(None)}))
    rows = [row for row in ledger.rows("names", limit="3") if row["dimension"] == "model"]
    assert [(row["name"], row["calls"], row["cost_usd"]) for row in rows] == [
        ("dear", 2, 2),
        ("cheap", 1, Decimal("0.5")),
        ("none", 1, None),
    ]
    assert [row["name"] for row in ledger.rows("names", limit="1") if row["dimension"] == "model"] == ["dear"]
    assert not [row for row in ledger.rows("names") if row["dimension"] == "team"]


def test_the_first_chunk_is_timed_of_streams_alone(ledger):
    ledger.write(calls({"first_chunk_ns": 4 * 10**8}, {}, {}))
    assert ledger.rows("latency")[0]["first_chunk_p50_ms"] == 400.0


def checked(place, **attributes):
    """The span of a call that the library saw, at a place of its own."""
    return make_span({"spanledger.outcome": "ok", **attributes}, span_id=place.to_bytes(8, "big"))


def test_replies_that_failed_their_schema_are_counted_by_field_with_what_they_cost(ledger):
    schema = {"spanledger.validation.schema": "Invoice"}
    failed = schema | {"spanledger.validation.outcome": "failed", "spanledger.validation.fields": '["total","date"]'}
    once = failed | {"spanledger.validation.fields": '["total"]'}
    spans = [checked(0, **failed), checked(1, **once), checked(2, **schema, **{"spanledger.validation.outcome": "ok"})]
    ledger.write(calls({"cost": PRICED}, {"finish_reason": "length"}, {"cost": PRICED}), spans)
    (row,) = ledger.rows("validations")
    assert (row["calls"], row["failures"], row["priced_failures"], row["truncated_failures"]) == (3, 2, 1, 1)
    assert (row["fields"], row["field_calls"], row["cost_usd"]) == (["total", "date"], [2, 1], Decimal("0.5"))


def judged(place, outcome, *fields, schema="Invoice"):
    """What is told when somebody checks the reply of the call at that place, once it is over."""
    told = {
        "spanledger.judged.span_id": place.to_bytes(8, "big").hex(),
        "spanledger.validation.by": "application",
        "spanledger.validation.outcome": outcome,
        "spanledger.validation.schema": schema,
        "spanledger.validation.fields": json.dumps(fields),
    }
    start = NOON_NS + 5 * SECOND
    return make_span(told, span_id=(100 + place).to_bytes(8, "big"), kind=1, start_ns=start, end_ns=start)


def test_a_check_after_the_call_counts_once_with_the_one_in_it(ledger):
    own = {"spanledger.validation.schema": "Own"}
    spans = [
        *(checked(0), judged(0, "failed", "total"), judged(1, "ok")),  # checked later alone
        checked(2, **own, **{"spanledger.validation.outcome": "ok"}),
        judged(2, "failed", "date"),  # and the later check says otherwise
        checked(3, **own, **{"spanledger.validation.outcome": "failed", "spanledger.validation.fields": '["a"]'}),
        judged(3, "failed", "b"),
    ]
    ledger.write(calls({"cost": PRICED}, {"service": "other"}, {"cost": PRICED}, {"outcome": "truncated"}), spans)
    rows = {(row["service"], row["schema"]): row for row in ledger.rows("validations")}
    assert set(rows) == {("checkout", "Invoice"), ("other", "Invoice"), ("checkout", "Own")}
    counts = {at: (row["calls"], row["failures"], row["fields"]) for at, row in rows.items()}
    assert counts["checkout", "Invoice"] == (1, 1, ["total"])
    assert counts["other", "Invoice"] == (1, 0, [])
    assert (counts["checkout", "Own"][:2], sorted(counts["checkout", "Own"][2])) == ((2, 2), ["a", "date"])
    own_row = rows["checkout", "Own"]
    assert (own_row["cost_usd"], own_row["truncated"], own_row["truncated_failures"]) == (Decimal("0.5"), 1, 1)
    assert rows["checkout", "Invoice"]["cost_usd"] == Decimal("0.5")
    assert ledger.rows("validations", service="other") == [rows["other", "Invoice"]]
    at = {"from": "2026-10-31T00:00:00Z", "to": "2026-10-31T01:00:00Z"}
    assert ledger.run("validations", {key: [value] for key, value in at.items()}).num_rows == 0


def test_headroom_is_the_least_that_was_left_and_unknown_where_no_limit_was_told(ledger):
    limit = "spanledger.rate_limit.requests."
    spans = [checked(n, **{f"{limit}limit": "100", f"{limit}remaining": left}) for n, left in enumerate(("40", "5"))]
    ledger.write(calls({}, {}), spans)
    (row,) = ledger.rows("headroom")
    assert (row["calls"], row["requests_limit"], row["requests_left"], row["tokens_left"]) == (2, 100, 0.05, None)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_query_may_be_given_more_time_and_yield_to_others(ledger, name):
    needed = {"by": ["model"], "trace_id": ["0" * 32]}
    given = {one.name: needed[one.name] for one in QUERIES[name].parameters if one.required}
    assert queries.run(ledger.store, name, given, seconds=60, yielding=True).num_rows >= 0
