import os
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.support.calls import make_call

from spanledger_collector.alerts.own_rules import lower_rate
from spanledger_collector.alerts.rulebook import BadRules, RuleFile, configured, read
from spanledger_collector.model import Cost

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
RULE = '[[rule]]\nname = "mine"\n'


def calls(minutes_ago: float, count: int, failed: int = 0, **fields):
    start = int((NOON - timedelta(minutes=minutes_ago)).timestamp()) * 10**9
    bad = {"outcome": "error"}
    return [make_call(start_ns=start, **(fields | (bad if one < failed else {}))) for one in range(count)]


def written(tmp_path, text: str):
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def judged(ledger, tmp_path, text: str):
    (rule,) = read(written(tmp_path, RULE + text)).rules(ledger.run)
    return rule.judge(NOON)


@pytest.mark.parametrize(
    ("metric", "bound", "judgement"),
    [
        ("calls", "above = 9", "failing"),
        ("calls", "below = 9", "normal"),
        ("failures", "above = 3", "failing"),
        ("failure_share", "above = 0.5", "normal"),
        ("cost_usd", "above = 4.9", "failing"),
        ("cost_usd_per_call", "above = 0.6", "normal"),
        ("p95_ms", "above = 900", "failing"),
    ],
)
def test_a_threshold_fires_and_clears(ledger, tmp_path, metric, bound, judgement):
    ledger.write(calls(30, 10, failed=4, cost=Cost(Decimal("0.5"))))
    (verdict,) = judged(ledger, tmp_path, f'kind = "threshold"\nmetric = "{metric}"\n{bound}\n')
    assert (verdict.judgement, verdict.calls) == (judgement, 10)


@pytest.mark.parametrize(("mode", "judgement"), [("keep", None), ("zero", "normal"), ("alert", "failing")])
def test_no_data_is_what_the_rule_says(ledger, tmp_path, mode, judgement):
    text = f'kind = "threshold"\nmetric = "failure_share"\nabove = 0.1\nno_data = "{mode}"\n'
    found = judged(ledger, tmp_path, text)
    assert (found[0].judgement if found else None) == judgement


def test_a_burn_fires_by_both_windows_and_clears_by_the_short_one(ledger, tmp_path):
    text = 'kind = "burn_rate"\nobjective = 0.99\n'
    ledger.write(calls(420, 100, failed=40))
    assert judged(ledger, tmp_path, text)[0].judgement == "normal"
    ledger.write(calls(50, 100, failed=40))
    assert judged(ledger, tmp_path, text)[0].window_minutes == 3 * 24 * 60
    ledger.write(calls(2, 20, failed=10))
    (verdict,) = judged(ledger, tmp_path, text)
    assert (verdict.judgement, verdict.window_minutes) == ("failing", 60)
    assert "50 of 120 calls failed in the last 1h: 41.7 times" in verdict.summary


def test_few_failures_of_few_calls_burn_nothing(ledger, tmp_path):
    ledger.write(calls(2, 10, failed=5))
    assert judged(ledger, tmp_path, 'kind = "burn_rate"\nobjective = 0.99\n')[0].judgement == "normal"
    assert lower_rate(100, 20) == pytest.approx(0.1334, abs=1e-4)


def test_a_budget_fires_at_its_share_and_tells_what_is_unknown(ledger, tmp_path):
    ledger.write([*calls(60, 4, cost=Cost(Decimal(20))), *calls(60, 1)])
    (verdict,) = judged(ledger, tmp_path, 'kind = "budget"\nusd = 100\nshare = 0.8\n')
    assert verdict.judgement == "failing"
    assert "$80.00 of $100.00 are spent this month (80%); 1 calls of unknown cost" in verdict.summary
    (verdict,) = judged(ledger, tmp_path, 'kind = "budget"\nusd = 101\nshare = 0.8\n')
    assert verdict.judgement == "normal"


def test_filters_narrow_a_rule_and_are_its_labels(ledger, tmp_path):
    ledger.write([*calls(5, 3), *calls(5, 50, service="mail")])
    text = 'kind = "threshold"\nmetric = "calls"\nabove = 9\nfilters = { service = "checkout" }\n'
    (verdict,) = judged(ledger, tmp_path, text)
    assert (verdict.judgement, verdict.labels) == ("normal", (("service", "checkout"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[rules]]\n", r"has \[rules\]"),
        (RULE, "kind ''; use one of threshold, burn_rate, budget"),
        (RULE + 'kind = "budget"\nusd = 0\n', "usd must be above 0"),
        (RULE + 'kind = "burn_rate"\nobjective = 99\n', "objective 99 is no share"),
        (RULE + 'kind = "threshold"\nmetric = "x"\nabove = 1\n', "metric 'x' is not known"),
        (RULE + 'kind = "threshold"\nmetric = "calls"\n', "either above or below"),
        (RULE + 'kind = "threshold"\nmetric = "calls"\nabove = 1\nfor = "5"\n', "'5' is no duration"),
        (RULE + 'kind = "threshold"\nmetric = "calls"\nabove = 1\nfilters = { shop = "u" }\n', "filters has 'shop'"),
        (RULE + 'kind = "budget"\nusd = 1\n' + RULE + 'kind = "budget"\nusd = 1\n', "two rules 'mine'"),
        ('[[silence]]\nmatchers = { service = "a" }\nauthor = "ada"\nreason = "r"\n', "no until"),
        ("[[rule]\n", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path, text, message):
    with pytest.raises(BadRules, match=message):
        read(written(tmp_path, text))


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_the_last_good(tmp_path):
    path = written(tmp_path, RULE + 'kind = "budget"\nusd = 1\n')
    book = RuleFile(path)
    path.write_text("[[rule]\n")
    os.utime(path, ns=(1, 1))
    assert [one.name for one in book().own] == ["mine"]
    path.write_text("")
    os.utime(path, ns=(2, 2))
    assert list(book().own) == []


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(BadRules, match=r"SPANLEDGER_ALERT_RULES='/nowhere/rules\.toml' cannot be read"):
        configured({"SPANLEDGER_ALERT_RULES": "/nowhere/rules.toml"})
    assert list(configured({})().own) == []
