"""What a reader gets over HTTP: JSON with exact money, or the same table as an Arrow stream."""

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from tests.support.calls import make_call, make_span

from spanledger_collector.model import Cost, Usage
from spanledger_collector.queries import QUERIES

ARROW = "application/vnd.apache.arrow.stream"
START = 1_793_620_800_123_456_000


@pytest.fixture
def answer(api, ledger):
    """Rows of a query as JSON, one call being in the ledger."""
    cost = Cost(Decimal("0.003264"), grade="measured")
    ledger.write([make_call(Usage(2000, output=100), start_ns=START, cost=cost)], [make_span({"a": 1}, start_ns=START)])

    def get(name, **params):
        body = api.get(f"/api/v1/query/{name}", params=params).json()
        return [dict(zip(body["columns"], row, strict=True)) for row in body["rows"]]

    return get


def test_money_is_an_exact_decimal_text_and_counts_are_numbers(answer):
    row = answer("totals")[0]
    assert (row["cost_usd"], row["calls"], row["input_tokens"], row["coverage"]) == ("0.003264", 1, 2000, 1.0)


def test_no_calls_cost_zero_in_one_digit(api, ledger):
    body = api.get("/api/v1/query/totals").json()
    assert dict(zip(body["columns"], body["rows"][0], strict=True))["cost_usd"] == "0"


def test_unknown_is_null(api, ledger):
    ledger.write([make_call(None)])
    body = api.get("/api/v1/query/latest_calls").json()
    row = dict(zip(body["columns"], body["rows"][0], strict=True))
    assert (row["cost_usd"], row["input_tokens"], row["first_chunk_ms"]) == (None, None, None)


def test_times_are_utc_with_no_more_decimals_than_it_takes(answer):
    assert answer("latest_calls")[0]["start"] == "2026-11-02T12:00:00.123456Z"
    assert answer("spend_over_time", bucket="hour")[0]["bucket"] == "2026-11-02T12:00:00Z"


def test_attributes_are_an_object(answer):
    assert answer("trace", trace_id="74" * 16)[0]["attributes"] == {"a": "1"}


def test_a_time_from_an_answer_selects_that_call_again(answer):
    start = answer("latest_calls")[0]["start"]
    assert answer("totals", **{"from": start})[0]["calls"] == 1
    assert answer("totals", to=start)[0]["calls"] == 0


@pytest.mark.parametrize("how", [{"headers": {"accept": ARROW}}, {"params": {"format": "arrow"}}])
def test_the_same_table_comes_as_an_arrow_stream(answer, api, how):
    reply = api.get("/api/v1/query/totals", **how)
    table = pa.ipc.open_stream(reply.content).read_all()
    assert reply.headers["content-type"] == ARROW
    assert table.schema == pa.schema(QUERIES["totals"].columns)
    assert table.to_pylist()[0]["cost_usd"] == Decimal("0.003264")


def test_an_arrow_stream_without_rows_has_its_columns(api, ledger):
    reply = api.get("/api/v1/query/failures", params={"format": "arrow"})
    assert pa.ipc.open_stream(reply.content).read_all().schema == pa.schema(QUERIES["failures"].columns)


def test_filters_may_be_repeated(api, ledger):
    ledger.write([make_call(model=model, span_id=model.encode()) for model in ("model--a", "model--b", "model--c")])
    body = api.get("/api/v1/query/totals?model=model--a&model=model--c&feature=").json()
    assert body["rows"][0][0] == 2


def test_every_query_is_listed_with_its_parameters_and_columns(api):
    listed = {query["name"]: query for query in api.get("/api/v1/queries").json()["queries"]}
    assert set(listed) == set(QUERIES)
    by = next(p for p in listed["spend_by"]["parameters"] if p["name"] == "by")
    assert (by["required"], by["schema"]["enum"][0]) == (True, "service")
    assert listed["totals"]["columns"][4] == {"name": "cost_usd", "type": "decimal128(38, 18)"}


def test_the_openapi_document_describes_every_query(api):
    document = api.get("/api/v1/openapi.json").json()
    assert {path for path in document["paths"] if "/query/" in path} == {f"/api/v1/query/{name}" for name in QUERIES}
    operation = document["paths"]["/api/v1/query/latest_calls"]["get"]
    limit = next(p for p in operation["parameters"] if p["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    assert json.dumps(document).count("$ref") >= len(QUERIES)


def test_status_metrics_and_health_are_answered(api, collector):
    assert api.get("/api/v1/status").json()["version"] == "0.1.0"
    assert "spanledger_spans_written_total 3" in api.get("/metrics").text
    assert api.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert api.get("/healthz").status_code == api.get("/readyz").status_code == 200


def test_a_collector_that_is_not_ready_says_why(api, collector):
    collector.not_ready = "the log is full"
    reply = api.get("/readyz")
    assert (reply.status_code, reply.text) == (503, "the log is full\n")
    assert api.get("/healthz").status_code == 200
