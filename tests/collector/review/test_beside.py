"""What a pack tells beside the waste: replies out of a response cache, and fallbacks."""

import json
import urllib.request
from decimal import Decimal

import pytest
from tests.support.calls import make_call, make_span, nanoseconds

from spanledger import semconv
from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.command import main

BOOK = Book()
AT = "2026-10-03T10:00:00Z"
SAVED = {f"{semconv.CACHE_SAVED_PREFIX}input_tokens": 500_000, f"{semconv.CACHE_SAVED_PREFIX}output_tokens": 125_000}


def call(number: int, **fields):
    one = make_call(Usage(uncached_input=1000, output=100), AT, span_id=number.to_bytes(8, "big"), **fields)
    one.cost = BOOK.price(one)
    return one


def beside(number: int, told, **fields):
    when = {"start_ns": nanoseconds(AT), "end_ns": nanoseconds(AT)}
    return make_span(told, kind=1, span_id=number.to_bytes(8, "big"), **when | fields)


def hit(number: int, **told):
    names = {semconv.PROVIDER_NAME: "openai", semconv.REQUEST_MODEL: "gpt-4.1", f"{semconv.TAG_PREFIX}feature": "rank"}
    return beside(number, names | {semconv.CACHE_HIT: True} | told)


@pytest.fixture
def october(ledger):
    """Two dollars spared, one reply of which nothing is known; one call for another model, one done without."""
    stood_in = {semconv.FALLBACK_FROM: "gpt-5", semconv.LOGICAL_ORDINAL: 2, semconv.LOGICAL_ID: "00" * 8}
    said = {semconv.FALLBACK_TO: "a plain | answer", semconv.JUDGED_SPAN_ID: (2).to_bytes(8, "big").hex()}
    ledger.write(
        [call(1, feature="rank", team="search"), call(2), call(6, feature="draft")],
        [hit(3, **SAVED), hit(4), beside(1, stood_in), beside(5, said)],
    )
    return ledger


def made(api, capsys, *arguments: str) -> str:
    assert main(["review", "--api", api, "--period", "2026-10", "--now", "2026-11-02T00:00:00Z", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_pack_has_what_was_not_spent_as_an_estimate_and_fallbacks(api, october, capsys, form):
    text = made(api, capsys, "--format", form)
    assert "\u2248 $2.00 not spent, on 1 of 2 replies" in text
    assert "modelled" in text
    assert "stood in for a failed call to another model: 1." in text
    assert "the application says it went on: 1. Known cost of all these: $0.005600." in text


def test_a_name_ends_no_cell(api, october, capsys):
    text = made(api, capsys, "--format", "md")
    assert "| checkout, rank | gpt-4.1 | 2 | 625 k | \u2248 $2.00 |" in text
    assert "| checkout, rank | gpt-5 | gpt-4.1 | 1 | 1 | $0.002800 |" in text
    assert "| checkout | (not told) | a plain \\| answer (said) | 1 | 1 | $0.002800 |" in text


def test_of_one_team_the_cache_is_not_known(api, october, capsys):
    text = made(api, capsys, "--format", "md", "--team", "search")
    assert "name no team" in text
    assert "not spent" not in text
    assert (
        "stood in for a failed call to another model: 1. Calls without whose reply the application says it went on: 0."
        in text
    )


@pytest.mark.parametrize(
    ("scope", "says"), [(("--feature", "rank"), "$2.00 not spent"), (("--feature", "draft"), "No reply")]
)
def test_of_one_feature_it_is(api, october, capsys, scope, says):
    assert says in made(api, capsys, "--format", "md", *scope)


def test_the_api_has_the_same(api, october):
    with urllib.request.urlopen(f"{api}/api/v1/review?period=2026-10&now=2026-11-02T00:00:00Z", timeout=120) as reply:
        found = json.load(reply)
    assert [(row["hits"], Decimal(row["saved_usd"])) for row in found["response_cache"]] == [(2, Decimal(2))]
    assert sorted(row["to_model"] for row in found["fallbacks"]) == ["a plain | answer", "gpt-4.1"]


def test_a_reply_of_which_no_tokens_are_known_spared_an_unknown_sum(api, ledger, capsys):
    ledger.write([call(1)], [hit(3)])
    assert "What was spared is unknown, replies: 1." in made(api, capsys, "--format", "md")
