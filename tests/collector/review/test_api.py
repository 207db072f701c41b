"""The review over HTTP: the same figures as the pack, and the same files."""

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.budget_command import main as budgets
from spanledger_collector.review.command import main as command

BOOK = Book()
OCTOBER = {"period": "2026-10", "now": "2026-10-20T00:00:00Z"}


def priced(at: str, tokens: int = 1000, **fields):
    call = make_call(Usage(uncached_input=tokens, cache_read=500, output=200, reasoning=50), at, **fields)
    call.cost = BOOK.price(call)
    return call


@pytest.fixture
def october(ledger):
    ledger.write([priced(f"2026-09-{day:02}T10:00:00Z", team="search", feature="rank") for day in range(1, 31)])
    ledger.write([priced(f"2026-10-{day:02}T10:00:00Z", 2000, team="search", feature="rank") for day in range(1, 20)])
    ledger.write([priced("2026-10-03T10:00:00Z", feature="draft", model="gpt-4.1-mini")])
    return ledger


def fetch(api: str, path: str, **params):
    return urllib.request.urlopen(f"{api}/api/v1/{path}?{urllib.parse.urlencode(params, doseq=True)}", timeout=120)


def got(api: str, path: str, **params):
    with fetch(api, path, **params) as reply:
        return json.load(reply)


def test_the_bars_sum_to_the_difference_for_the_whole_and_for_each_group(api, october):
    bridge = got(api, "review", **OCTOBER)["bridge"]
    assert bridge["suppressed"] == ""
    moved = Decimal(bridge["after_usd"]) - Decimal(bridge["before_usd"])
    assert sum(Decimal(bar["usd"]) for bar in bridge["bars"]) == moved != 0
    assert {by: len(groups) for by, groups in bridge["by"].items()} == {
        "team": 2, "feature": 2, "model": 2, "provider": 1, "service": 1,
    }  # fmt: skip
    for groups in bridge["by"].values():
        for each in groups:
            moved = Decimal(each["after_usd"]) - Decimal(each["before_usd"])
            assert sum(map(Decimal, each["bars"].values())) == moved


def test_a_review_is_opened_first_and_goes_on_with_that_reading(api, october):
    whole = got(api, "review", **OCTOBER)
    opened = got(api, "review", part="opening", **OCTOBER)
    assert opened == {name: whole[name] for name in opened}
    assert {"headline", "totals", "restatements", "as_of", "demo"} <= opened.keys() < whole.keys()
    october.write([priced("2026-10-04T10:00:00Z", 9000)])
    asked = {"period": "2026-10", "now": opened["as_of"]}
    assert got(api, "review", **asked)["headline"] == opened["headline"]
    later = got(api, "review", **asked)
    assert later["totals"]["now"]["calls"] == opened["totals"]["now"]["calls"] + 1


def test_another_question_is_read_anew(api, october):
    opened = got(api, "review", part="opening", **OCTOBER)
    october.write([priced("2026-10-04T10:00:00Z", 9000, team="search")])
    for more in ({"team": "search"}, {"against": "2026-08"}, {"now": "2026-10-20T00:00:01Z"}):
        assert got(api, "review", **(OCTOBER | more))["totals"]["now"]["calls"] >= 20, more
    assert got(api, "review", **OCTOBER)["totals"] == opened["totals"]


def test_a_part_that_there_is_not_is_refused(api):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(api, "review", part="end", **OCTOBER)
    assert refused.value.code == 400
    assert "use one of all, opening" in json.load(refused.value)["error"]["message"]


def test_any_two_periods_of_one_team(api, october):
    asked = {"period": "2026-10-01..2026-10-07", "against": "2026-09-01..2026-09-07", "team": "search"}
    found = got(api, "review", **asked)
    assert (found["scope"], found["against"]["name"]) == ({"team": "search"}, "2026-09-01..2026-09-07")
    assert [row["key"] for row in found["showback"]["feature"]] == ["rank"]
    assert found["is_over"] is True


def test_every_part_of_the_review_says_what_the_queries_say(api, october, capsys):
    assert budgets(["budgets", "set", "--api", api, "--from", "2026-10", "--usd", "0.1", "--team", "search"]) == 0
    found = got(api, "review", **OCTOBER)
    (totals,) = october.rows("totals", from_="2026-10-01T00:00:00Z", to="2026-11-01T00:00:00Z")
    assert Decimal(found["totals"]["now"]["cost_usd"]) == totals["cost_usd"]
    assert sum(Decimal(row["cost_usd"]) for row in found["showback"]["team"]) == totals["cost_usd"]
    draft = priced("2026-10-03T10:00:00Z", model="gpt-4.1-mini").cost.total
    assert Decimal(found["unallocated"]["team"]["now"]["cost_usd"]) == draft
    assert found["coverage"]["now"]["share"] == 1
    assert found["coverage"]["now"]["grades"]["measured"]["calls"] == totals["calls"] == 20
    ahead = found["forecast"]["period"]
    assert Decimal(ahead["p10_usd"]) <= Decimal(ahead["p50_usd"]) <= Decimal(ahead["p90_usd"])
    assert found["forecast"]["previous"]["name"] == "2026-09"
    (budget,) = found["budgets"]
    assert (budget["scope"], budget["budget_usd"]) == ({"team": "search"}, "0.1")
    assert budget["burn_multiple"] > 1
    assert Decimal(found["unit_costs"]["now"]["request"]) == totals["cost_usd"] / 20


def test_poor_coverage_takes_the_bars_away_and_says_why(api, october):
    october.write([make_call(Usage(output=5), "2026-10-05T00:00:00Z", cost=Cost(None, reason="no price"))] * 30)
    found = got(api, "review", **OCTOBER)
    assert (found["bridge"]["bars"], found["bridge"]["by"]) == (None, None)
    assert "of the answered calls" in found["bridge"]["suppressed"]
    assert found["coverage"]["now"]["grades"]["unknown"] == {"calls": 30, "cost_usd": None}


def test_nothing_recorded_is_no_zero(api, ledger):
    found = got(api, "review", **OCTOBER)
    assert found["headline"] == "No calls are recorded in 2026-10."
    assert (found["forecast"]["period"], found["coverage"]["now"]["share"]) == (None, None)


@pytest.mark.parametrize(
    ("form", "media_type", "ending", "begins"),
    [
        ("html", "text/html; charset=utf-8", "html", b"<!doctype html>"),
        ("pdf", "application/pdf", "pdf", b"%PDF-"),
        ("md", "text/markdown; charset=utf-8", "md", b"# LLM spend, 2026-10"),
        ("csv", "text/csv; charset=utf-8", "csv", b"period,by,key"),
        ("slack", "application/json", "slack.json", b'{"text"'),
        ("focus", "text/csv; charset=utf-8", "focus.csv", b"BilledCost,"),
        ("focus-parquet", "application/vnd.apache.parquet", "focus.parquet", b"PAR1"),
    ],
)
@pytest.mark.usefixtures("october")
def test_every_form_can_be_kept_as_a_file(api, form, media_type, ending, begins):
    with fetch(api, "review/file", format=form, **OCTOBER) as reply:
        body = reply.read()
    assert body.startswith(begins)
    assert reply.headers["content-type"] == media_type
    assert reply.headers["content-disposition"] == f'attachment; filename="review-2026-10.{ending}"'
    assert int(reply.headers["content-length"]) == len(body)


@pytest.mark.parametrize("form", ["md", "csv", "focus", "focus-parquet"])
def test_the_file_is_what_the_command_writes(api, october, form, tmp_path, capsys):
    with fetch(api, "review/file", format=form, **OCTOBER) as reply:
        body = reply.read()
    out = tmp_path / "out"
    asked = ["--period", OCTOBER["period"], "--now", OCTOBER["now"], "--format", form, "--out", str(out)]
    assert command(["review", "--api", api, *asked]) == 0
    assert out.read_bytes() == body


def test_the_parquet_file_sums_to_the_ledger(api, october):
    with fetch(api, "review/file", format="focus-parquet", focus_version="1.3", **OCTOBER) as reply:
        charges = pq.read_table(io.BytesIO(reply.read())).to_pylist()
    (totals,) = october.rows("totals", from_="2026-10-01T00:00:00Z", to="2026-11-01T00:00:00Z")
    assert sum(row["BilledCost"] for row in charges) == totals["cost_usd"]
    assert {row["HostProviderName"] for row in charges} == {"OpenAI"}


def test_a_name_ends_neither_a_header_nor_a_path(api, october):
    with fetch(api, "review/file", format="md", team='a"/../\r\nx: y', **OCTOBER) as reply:
        assert reply.headers["content-disposition"] == 'attachment; filename="review-2026-10-a-..-x-y.md"'


def test_what_would_have_been(api, october):
    cheaper = got(api, "what-if", period="2026-10", to_model="gpt-4.1-nano", feature="rank")
    (rank,) = cheaper["features"]
    assert cheaper["grade"] == "modelled"
    assert Decimal(rank["estimate_usd"]) < Decimal(rank["cost_usd"])
    line = json.dumps({"provider": "openai", "model": "gpt-4.1*", "discount": "0.5"})
    halved = got(api, "what-if", period="2026-10", price=[line], feature="rank")["features"]
    assert [Decimal(each["estimate_usd"]) * 2 for each in halved] == [Decimal(each["cost_usd"]) for each in halved]
    (unknown,) = got(api, "what-if", period="2026-10", to_model="nova-9", feature="rank")["features"]
    assert (unknown["estimate_usd"], "nova-9" in unknown["reason"]) == (None, True)


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("review", {"period": "October"}, "parameter 'period' cannot be 'October': 'October' is not a month"),
        ("review", {"month": "2026-10"}, "parameter 'month' is not known here"),
        ("review", {"now": "2026-10-20T00:00:00"}, "it has no zone"),
        ("review/file", {"format": "docx"}, "use one of html, pdf"),
        ("what-if", {"batch": "1.5"}, "write a share from 0 to 1"),
        ("what-if", {"price": '{"provider": "openai", "model": "x"}'}, "the line gives no price"),
        ("what-if", {"price": "[]"}, "as a JSON object"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(api, ledger, path, params, said):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(api, path, **params)
    assert refused.value.code == 400
    assert said in json.load(refused.value)["error"]["message"]


def test_without_a_printer_the_remedy_is_answered(api, october, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("SPANLEDGER_CHROMIUM", raising=False)
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(api, "review/file", format="pdf", **OCTOBER)
    assert refused.value.code == 501
    assert "spanledger[pdf]" in json.load(refused.value)["error"]["message"]


def test_the_document_describes_them(api):
    paths = got(api, "openapi.json")["paths"]
    names = {each["name"] for each in paths["/api/v1/review/file"]["get"]["parameters"]}
    assert {"period", "against", "team", "feature", "model", "now", "format"} <= names
    assert "application/pdf" in paths["/api/v1/review/file"]["get"]["responses"]["200"]["content"]
    assert {"/api/v1/review", "/api/v1/what-if"} <= paths.keys()
