"""Spend by team and provider: a surge is told once, with who drives it; habits, noise and small money are not."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from tests.support.calls import make_call

from spanledger_collector.alerts.spend import Hours, Spend
from spanledger_collector.alerts.trial import Trial
from spanledger_collector.model import Cost

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
WEEKS = 5 * 168


def hours(cost: np.ndarray) -> Hours:
    return Hours("team", [f"t{row}" for row in range(len(cost))], NOON - WEEKS * HOUR, cost, np.ceil(cost))


def habit(rows: int = 1, noise: float = 0.1) -> np.ndarray:
    """Five weeks of ten dollars an hour, more by day and hardly any at weekends."""
    at = np.arange(WEEKS)
    shape = 10 * (1 + 0.6 * np.sin(at % 24 / 24 * 2 * np.pi)) * np.where(at % 168 >= 120, 0.2, 1.0)
    return shape * np.exp(noise * np.random.default_rng(3).standard_normal((rows, WEEKS)))


def test_two_hours_far_beyond_the_habit_are_a_surge():
    cost = habit(3)
    cost[1, -2:] *= 3
    (surge,) = hours(cost).surges(NOON)
    assert (surge.dimension, surge.key) == ("team", "t1")
    assert surge.seen == pytest.approx(cost[1, -1])
    assert surge.expected == pytest.approx(cost[0, -1], rel=0.4)


@pytest.mark.parametrize(
    "change",
    [
        lambda cost: cost,
        lambda cost: np.concatenate([cost[:, :-2], cost[:, -2:-1] * 3, cost[:, -1:]], axis=1),  # one hour alone
        lambda cost: cost * np.where(np.arange(WEEKS) >= WEEKS - 3, 1.4, 1.0),  # less than half as much again
        lambda cost: cost / 100 * np.where(np.arange(WEEKS) >= WEEKS - 3, 5.0, 1.0),  # cents
        lambda cost: np.where(np.arange(WEEKS) < WEEKS - 100, 0.0, cost),  # too young to have a habit
    ],
)
def test_what_is_no_surge(change):
    assert list(hours(change(habit())).surges(NOON)) == []


def test_no_hour_of_a_usual_month_is_one():
    usual = hours(habit(4, noise=0.25))
    assert [one for back in range(168) for one in usual.surges(NOON - back * HOUR)] == []


def test_what_comes_later_changes_nothing():
    cost = habit()
    cost[0, -10:-8] *= 4
    told = list(hours(cost).surges(NOON - 8 * HOUR))
    cost[0, -8:] = 500.0
    assert list(hours(cost).surges(NOON - 8 * HOUR)) == told != []


def spent(at: datetime, dollars: str, **fields):
    cost = Cost(Decimal(dollars), grade="measured")
    return make_call(start_ns=int(at.timestamp()) * 10**9, duration_ns=10**9, cost=cost, team="ml", **fields)


@pytest.fixture
def month(ledger):
    """A dollar an hour for ten days, then two hours of fifty, most of it by one user."""
    usual = [spent(NOON - back * HOUR + HOUR / 2, "1", user="ada") for back in range(1, 240)]
    runaway = [spent(NOON - back * HOUR + HOUR / 3, "50", user="bob") for back in (1, 2)]
    ledger.write([*usual, *runaway])
    return ledger


def test_a_surge_of_a_team_names_its_driver_and_ends_with_it(month):
    rule = Spend(month.run)
    told = {one.labels: one for one in rule.judge(NOON + HOUR / 6)}
    team = told[("team", "ml"),]
    assert (team.kind, team.seen, team.unit) == ("spend_surge", 51.0, "US dollars")
    assert team.expected == pytest.approx(1.0, rel=0.2)
    assert "98% of it by user bob" in team.summary
    assert {labels[0][0] for labels in told} == {"team", "provider"}
    assert rule.judge(NOON + HOUR / 2) == list(told.values())
    assert rule.judge(NOON + 7 * HOUR / 6) == []


def test_an_empty_ledger_says_nothing(ledger):
    assert Spend(ledger.run).judge(NOON) == []


def test_it_can_be_tried_on_the_ledger(month):
    told = Trial(month.run).built_in("spend_surge", 2, NOON + 3 * HOUR)
    assert told["sentence"] == "spend_surge would have fired 2 times in 2 days"
    assert {tuple(one["labels"]) for one in told["fired"]} == {("team",), ("provider",)}
    assert all(one["resolved_at"] is not None for one in told["fired"])
