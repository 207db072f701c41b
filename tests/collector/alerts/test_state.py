from datetime import datetime, timedelta, timezone

from tests.collector.alerts.rules import LABELS, verdict

from spanledger_collector.alerts.state import advance, fingerprint
from spanledger_collector.alerts.verdict import Timing

START = datetime(2026, 10, 5, 12, tzinfo=timezone.utc)
TIMING = Timing(timedelta(minutes=1), timedelta(minutes=5), "ada", "https://wiki.example.com/llm")
FAILING, NORMAL, UNCLEAR = verdict(), verdict("normal", 0), verdict("not_enough_data", 3)


def states(*verdicts) -> list[str]:
    """States after each verdict, half a minute apart."""
    alert, seen = None, []
    for step, said in enumerate(verdicts):
        active = alert if alert and alert.state in {"pending", "firing"} else None
        alert = advance(active, said, START + step * timedelta(seconds=30), TIMING)
        seen.append(alert.state if alert else "none")
    return seen


def test_fires_only_after_failing_for_a_minute():
    assert states(FAILING, FAILING, FAILING) == ["pending", "pending", "firing"]


def test_a_passing_moment_never_fires():
    assert states(FAILING, NORMAL, NORMAL) == ["pending", "inactive", "none"]


def test_resolves_only_after_five_good_minutes():
    good = states(FAILING, FAILING, FAILING, *[NORMAL] * 10)[3:]
    assert good == ["firing"] * 9 + ["resolved"]


def test_a_relapse_within_five_minutes_keeps_the_incident():
    assert states(*[FAILING] * 3, *[NORMAL] * 8, FAILING, *[NORMAL] * 9)[3:] == ["firing"] * 18


def test_too_few_calls_never_start_an_alert():
    assert states(UNCLEAR, UNCLEAR) == ["none", "none"]


def test_an_alert_whose_traffic_stops_resolves_and_says_so():
    alert = None
    for step in range(3):
        alert = advance(alert, FAILING, START + step * timedelta(seconds=30), TIMING)
    ended = advance(alert, None, START + timedelta(minutes=7), TIMING)
    assert (ended.state, ended.summary) == ("resolved", "Resolved: 10 of 20 calls failed")


def test_since_is_the_first_failure_and_numbers_are_the_latest():
    worse = verdict(seen=29, calls=30, summary="29 of 30 calls failed")
    first = advance(None, FAILING, START, TIMING)
    later = advance(first, worse, START + timedelta(minutes=2), TIMING)
    assert (later.since, later.fired_at) == (START, START + timedelta(minutes=2))
    assert (later.calls, later.seen, later.summary) == (30, 29, "29 of 30 calls failed")


def test_fingerprint_depends_on_rule_and_labels_only():
    assert fingerprint("a", LABELS) == fingerprint("a", LABELS[::-1])
    assert fingerprint("a", LABELS) != fingerprint("b", LABELS)
    assert fingerprint("a", LABELS) != fingerprint("a", (("model", "gpt-5"), ("service", "mail")))


def test_a_rule_that_knows_better_says_since_when_and_fires_at_once():
    earlier = START - timedelta(minutes=5)
    alert = advance(None, verdict(since=earlier), START, Timing())
    assert (alert.state, alert.since, alert.fired_at) == ("firing", earlier, START)


def test_owner_and_runbook_come_from_the_rule():
    alert = advance(None, FAILING, START, TIMING)
    assert (alert.owner, alert.runbook_url) == ("ada", "https://wiki.example.com/llm")
