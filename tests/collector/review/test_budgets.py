from datetime import datetime, timezone

import pytest
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book
from spanledger_collector.review.budget_command import main
from spanledger_collector.review.budget_rows import row
from spanledger_collector.review.command import main as review

NOW = datetime(2026, 11, 2, 8, tzinfo=timezone.utc)


def budgets(api, capsys, what: str, *arguments: str) -> tuple[int, str, str]:
    code = main(["budgets", what, "--api", api, *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_a_budget_is_set_listed_and_taken_back_from_a_month_on(api, ledger, capsys):
    set_ = "--usd", "5000", "--team", "search", "--from", "2026-10"
    assert budgets(api, capsys, "set", *set_)[:2] == (0, "$5,000.00 a month for team search from 2026-10 on\n")
    assert budgets(api, capsys, "remove", "--team", "search", "--from", "2026-12")[0] == 0
    _, listed, _ = budgets(api, capsys, "list")
    assert [line.split() for line in listed.splitlines()] == [
        ["from", "2026-10", "$5,000.00", "a", "month", "team", "search"],
        ["from", "2026-12", "no", "budget", "team", "search"],
    ]


def test_without_a_budget_the_command_that_sets_one_is_shown(api, ledger, capsys):
    assert "spanledger budgets set --usd 5000" in budgets(api, capsys, "list")[1]


def test_the_collector_refuses_what_is_no_budget(api, ledger, capsys):
    code, _, said = budgets(api, capsys, "set", "--usd", "much")
    assert code == 1
    assert "'usd' is 'much': give US dollars per month above 0" in said


@pytest.mark.parametrize("usd", ["-1", "0", "NaN", "1e13", True, 1.5, [], ""])
def test_dollars_are_exact_and_above_zero(usd):
    with pytest.raises(ValueError, match="'usd' is"):
        row({"usd": usd}, NOW)


def test_a_budget_holds_from_a_whole_month_on():
    assert f"{row({'usd': '1'}, NOW)['from_month']}" == "2026-11-01"
    with pytest.raises(ValueError, match="'from' is '2026-W41'"):
        row({"usd": "1", "from": "2026-W41"}, NOW)


def test_the_review_shows_what_is_left_of_it(api, ledger, capsys):
    call = make_call(Usage(uncached_input=1_000_000), "2026-10-01T12:00:00Z", team="search")
    call.cost = Book().price(call)
    ledger.write([call])
    budgets(api, capsys, "set", "--usd", "1", "--team", "search", "--from", "2026-01")
    asked = ["--period", "2026-10", "--now", "2026-10-11T00:00:00Z", "--team", "search", "--format", "html"]
    assert review(["review", "--api", api, *asked]) == 0
    shown = capsys.readouterr().out
    assert "of $1.00, burns at 6.20\u00d7" in shown
    assert "01 Oct" in shown
