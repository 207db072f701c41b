"""Whose cost it is: from tags, else from rules; shared cost is split to the last digit; what is nobody's is shown."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.calls import make_call

from spanledger_collector.ledger.allocation import Rules, Share, read, shown, split
from spanledger_collector.model import Cost, Usage
from spanledger_collector.pricing import PriceFileError

if TYPE_CHECKING:
    from pathlib import Path

TEAMS = st.dictionaries(st.sampled_from(["", "a", "b", "c", "platform"]), st.decimals(0, 10**6, places=18), min_size=1)
_ids = itertools.count(1)


@pytest.fixture
def rules(tmp_path: Path):
    def write(text: str) -> Rules:
        path = tmp_path / "allocation.toml"
        path.write_text(text)
        return read(path)

    return write


ASSIGN = (
    '[[assign]]\nservice = "check*"\n"resource.k8s.namespace.name" = "pay*"\n"tag.route" = "/pay*"\n'
    'team = "payments"\ncustomer = "acme"\n'
)


def test_a_rule_names_what_no_tag_does(rules):
    call = make_call(tags={"route": "/pay/now"})
    rules(ASSIGN).allocate(call, {"k8s.namespace.name": "payments"})
    assert (call.team, call.tags["customer"]) == ("payments", "acme")


def test_a_tag_is_stronger_than_a_rule(rules):
    call = make_call(tags={"route": "/pay", "team": "mobile"}, team="mobile")
    rules(ASSIGN).allocate(call, {"k8s.namespace.name": "payments"})
    assert (call.team, call.tags["customer"]) == ("mobile", "acme")


@pytest.mark.parametrize(
    ("tags", "resource"), [({}, {"k8s.namespace.name": "payments"}), ({"route": "/pay"}, {}), ({"route": "/x"}, {})]
)
def test_every_condition_must_hold(rules, tags, resource):
    call = make_call(tags=tags)
    rules(ASSIGN).allocate(call, resource)
    assert call.team == ""


def test_shared_cost_follows_each_teams_own(rules):
    shares = rules('[[share]]\nteam = "platform"\nby = "cost"\n')
    own = {"a": Decimal(30), "b": Decimal(10), "platform": Decimal(8), "": Decimal(5)}
    parts = {one.team: (one.shared, one.total) for one in split(own, shares)}
    assert parts == {"a": (6, 36), "b": (2, 12), "platform": (-8, 0), "": (0, 5)}


def test_weights_and_equal_parts(rules):
    shares = rules(
        '[[share]]\nteam = "platform"\nweights = { a = "0.75", b = "0.25" }\n'
        '[[share]]\nteam = "evals"\nby = "equal"\namong = ["a", "b"]\n'
    )
    own = {"platform": Decimal(8), "evals": Decimal(3)}
    assert {one.team: one.total for one in split(own, shares)} == {
        "platform": 0,
        "evals": 0,
        "a": Decimal("7.5"),
        "b": Decimal("3.5"),
    }


def test_what_nobody_can_bear_stays(rules):
    shares = rules('[[share]]\nteam = "platform"\nby = "cost"\n')
    assert [(one.team, one.total) for one in split({"platform": Decimal(8)}, shares)] == [("platform", 8)]


@given(TEAMS, st.sampled_from(["cost", "equal"]))
def test_the_totals_sum_to_the_last_digit(own, by):
    shares = Rules(shares=(Share("platform", by, (), {}), Share("c", by, ("a", "b"), {})))
    assert sum((one.total for one in split(own, shares)), Decimal(0)) == sum(own.values(), Decimal(0))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[assign]]\nteam = "a"', "line 1: the rule has no condition"),
        ('[[assign]]\nservice = "a"', "the rule gives nothing; add one of team"),
        ('[[assign]]\nservce = "a"\nteam = "b"', "unknown key 'servce'"),
        ('[[share]]\nteam = "a"\nby = "size"', "'by' is 'size'"),
        ('[[share]]\nteam = "a"\nweights = { b = "0.5" }', "'weights' sum to 0.5"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(rules, text, problem):
    with pytest.raises(PriceFileError) as refusal:
        rules(text)
    assert problem in str(refusal.value)


def test_what_is_nobodys_is_shown(ledger):
    for team, dollars in (("a", 3), ("", 1), ("b", None)):
        call = make_call(Usage(10, output=1), span_id=next(_ids).to_bytes(8, "big"), team=team)
        call.cost = Cost(None if dollars is None else Decimal(dollars), grade="measured" if dollars else "unknown")
        ledger.write([call])
    answer = shown(ledger.rows("allocation", per="team"), Rules())
    assert (answer["total"], answer["unallocated"], answer["unallocated_share"]) == (4, 1, 0.25)
    assert answer["unpriced_calls"] == 1
