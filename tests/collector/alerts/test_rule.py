import random
from datetime import datetime, timedelta, timezone

import pyarrow as pa

from spanledger_collector.alerts.rule import evaluate

NOW = datetime(2026, 10, 5, 12, 0, 30, tzinfo=timezone.utc)
SCHEMA = pa.schema(
    [
        ("bucket", pa.timestamp("s", tz="UTC")),
        ("service", pa.string()),
        ("model", pa.string()),
        ("calls", pa.uint64()),
        ("failures", pa.uint64()),
    ]
)


def minutes(first: int, last: int, calls: int, failures: int, service: str = "shop") -> list[dict]:
    """One bucket a minute, from ``first`` to ``last`` minutes before NOW."""
    start = NOW.replace(second=0)
    times = [start - timedelta(minutes=ago) for ago in range(first, last - 1, -1)]
    return [{"bucket": at, "service": service, "model": "gpt-5", "calls": calls, "failures": failures} for at in times]


def verdicts(*rows: list[dict], now: datetime = NOW):
    table = pa.Table.from_pylist([row for part in rows for row in part], schema=SCHEMA)
    return {dict(one.labels)["service"]: one for one in evaluate(table, now)}


def test_failures_far_above_the_groups_past_are_failing():
    verdict = verdicts(minutes(600, 5, 4, 0), minutes(4, 0, 4, 2))["shop"]
    assert verdict.judgement == "failing"
    assert (verdict.calls, verdict.failures, verdict.expected) == (20, 10, 0.0)
    assert verdict.labels == (("model", "gpt-5"), ("service", "shop"))


def test_the_usual_share_of_failures_is_normal():
    verdict = verdicts(minutes(600, 5, 10, 3), minutes(4, 0, 10, 3))["shop"]
    assert verdict.judgement == "normal"
    assert verdict.expected == 15


def test_a_few_failures_on_a_clean_past_are_normal():
    assert verdicts(minutes(600, 5, 4, 0), minutes(4, 1, 4, 1))["shop"].judgement == "normal"


def test_the_current_window_is_not_part_of_its_own_past():
    quiet = minutes(600, 5, 1, 0)
    verdict = verdicts(quiet, minutes(4, 0, 1000, 900))["shop"]
    assert verdict.judgement == "failing"
    assert "before that 0 of 596" in verdict.summary


def test_too_few_calls_in_the_window_is_said():
    verdict = verdicts(minutes(600, 5, 4, 0), minutes(0, 0, 9, 9))["shop"]
    assert verdict.judgement == "not_enough_data"
    assert "9 calls in the window, 10 are needed" in verdict.summary


def test_too_short_a_past_is_said():
    verdict = verdicts(minutes(14, 5, 4, 0), minutes(4, 0, 4, 4))["shop"]
    assert verdict.judgement == "not_enough_data"
    assert "40 calls before the window, 50 are needed" in verdict.summary


def test_groups_are_judged_apart():
    found = verdicts(
        minutes(600, 5, 4, 0), minutes(4, 0, 4, 4), minutes(600, 0, 4, 0, service="mail"), minutes(600, 9, 4, 0, "gone")
    )
    assert {name: one.judgement for name, one in found.items()} == {"shop": "failing", "mail": "normal"}


def test_a_replay_sees_nothing_after_its_own_time():
    past, spike = minutes(600, 5, 4, 0), minutes(4, 0, 4, 4)
    earlier = NOW - timedelta(minutes=10)
    assert verdicts(past, spike, now=earlier)["shop"].judgement == "normal"


def test_a_steady_two_percent_of_failures_never_fires():
    coin = random.Random(7)
    rows = [row | {"failures": sum(coin.random() < 0.02 for _ in range(20))} for row in minutes(400, 0, 20, 0)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    times = [NOW - timedelta(minutes=ago) for ago in range(200)]
    assert {one.judgement for now in times for one in evaluate(table, now)} == {"normal"}
