from datetime import datetime, timedelta, timezone

from spanledger_collector.alerts.rule import FAILURE_SPIKE, Verdict
from spanledger_collector.alerts.state import advance, fingerprint

START = datetime(2026, 10, 5, 12, tzinfo=timezone.utc)
LABELS = (("model", "gpt-5"), ("service", "shop"))
FAILING = Verdict(LABELS, "failing", 20, 10, 0.2, "10 of 20 calls failed")
NORMAL = Verdict(LABELS, "normal", 20, 0, 0.2, "0 of 20 calls failed")
UNCLEAR = Verdict(LABELS, "not_enough_data", 3, 3, 0.0, "not enough data: 3 calls")


def states(*verdicts: Verdict | None) -> list[str]:
    """States after each verdict, half a minute apart."""
    alert, seen = None, []
    for step, verdict in enumerate(verdicts):
        active = alert if alert and alert.state in {"pending", "firing"} else None
        alert = advance(active, verdict, START + step * timedelta(seconds=30), FAILURE_SPIKE)
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
        alert = advance(alert, FAILING, START + step * timedelta(seconds=30), FAILURE_SPIKE)
    ended = advance(alert, None, START + timedelta(minutes=7), FAILURE_SPIKE)
    assert (ended.state, ended.summary) == ("resolved", "Resolved: no calls in the window any more")


def test_since_is_the_first_failure_and_numbers_are_the_latest():
    worse = Verdict(LABELS, "failing", 30, 29, 0.3, "29 of 30 calls failed")
    first = advance(None, FAILING, START, FAILURE_SPIKE)
    later = advance(first, worse, START + timedelta(minutes=2), FAILURE_SPIKE)
    assert (later.since, later.fired_at) == (START, START + timedelta(minutes=2))
    assert (later.calls, later.seen, later.summary) == (30, 29, "29 of 30 calls failed")


def test_fingerprint_depends_on_rule_and_labels_only():
    assert fingerprint("a", LABELS) == fingerprint("a", LABELS[::-1])
    assert fingerprint("a", LABELS) != fingerprint("b", LABELS)
    assert fingerprint("a", LABELS) != fingerprint("a", (("model", "gpt-5"), ("service", "mail")))
