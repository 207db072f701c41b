"""Each kind fires on its trouble, once, at its place, and clears; what is usual raises nothing."""

import copy
from datetime import timedelta

import numpy as np
import pytest
from tests.collector.alerts.anomaly.fleet import PLACES, Fleet

from spanledger_collector.alerts.anomaly.facts import Cell
from spanledger_collector.alerts.anomaly.signal import Driver
from spanledger_collector.alerts.anomaly.wording import RULES, labels, summary


def failing(kind: str, share: float, cells: slice):
    def trouble(_, what):
        what["failing"][PLACES[kind], cells] = share

    return trouble


def scaled(name: str, factor: float, cells: slice = slice(1, 2)):
    def trouble(_, what):
        what[name][cells] *= factor

    return trouble


def told(began: list) -> list[str]:
    return [one.signal.kind for one in began]


@pytest.mark.parametrize(
    ("kind", "hours", "trouble"),
    [
        ("failure_spike", 0.5, failing("server_error", 0.4, slice(1, 2))),
        ("rate_limit_storm", 0.5, failing("rate_limit", 0.4, slice(1, 2))),
        ("validation_spike", 1, failing("validation", 0.2, slice(1, 2))),
        ("provider_outage", 0.5, failing("server_error", 0.9, slice(0, 4))),
        ("traffic_drop", 1, scaled("calls", 0.05)),
        ("traffic_surge", 1, scaled("calls", 4.0)),
        ("ingest_silence", 1, scaled("calls", 0.0, slice(0, 6))),
        ("cache_collapse", 2, scaled("hit", 0.03)),
        ("latency_regression", 1, scaled("slow", 2.5)),
        ("first_chunk_regression", 1, scaled("first", 2.5)),
        ("answer_growth", 30, scaled("answers", 1.8)),
        ("price_change", 3, scaled("price", 1.3)),
        ("prompt_creep", 30, scaled("tokens", 1.6)),
        ("unpriced_model", 1, scaled("unpriced", 1.0)),
    ],
)
def test_it_fires_once_and_clears(fleet, kind, hours, trouble):
    if kind == "unpriced_model":
        trouble = lambda _, what: what["unpriced"].__setitem__(1, 1.0)  # noqa: E731
    began = fleet.run(hours / 24, trouble)
    assert told(began) == [kind]
    assert kind in RULES
    assert summary(began[0].signal)
    assert fleet.run(1.5 if kind != "prompt_creep" else 4) == []
    assert fleet.engine.incidents.active == {}


def test_an_outage_is_one_alert_with_the_provider_named(fleet):
    (outage,) = fleet.run(1 / 24, failing("server_error", 0.9, slice(0, 4)))
    assert labels(outage.signal, fleet.places) == {"provider": "openai", "error_type": "server_error"}
    assert outage.detected - (fleet.now - timedelta(hours=1)) <= timedelta(minutes=10)


def test_a_failing_cell_is_named_with_its_error(fleet):
    (spike,) = fleet.run(0.5 / 24, failing("server_error", 0.4, slice(1, 2)))
    assert labels(spike.signal, fleet.places) == {
        "service": "service-1",
        "feature": "answer",
        "provider": "openai",
        "model": "model-1",
        "error_type": "server_error",
    }
    assert "server_error" in summary(spike.signal)


def test_a_surge_of_one_user_is_a_runaway_with_the_user_named(fleet):
    fleet.engine._drivers = lambda *_: [Driver("user_id", "u-17", 1_000.0, 0.01, 3.5)]
    (runaway,) = fleet.run(1 / 24, scaled("calls", 4.0))
    assert runaway.signal.kind == "cost_runaway"
    assert labels(runaway.signal, fleet.places)["user_id"] == "u-17"


def test_another_dearer_model_is_named(fleet):
    before, now = 1, fleet.places.cell(Cell("service-1", "answer", "openai", "grand"))

    def switched(_, what):
        what["calls"][now], what["calls"][before] = what["calls"][before], 0
        what["price"][now] = 5.0

    (switch,) = fleet.run(3 / 24, switched)
    assert (switch.signal.kind, switch.signal.dimension) == ("model_switch_cost", {"model": "grand"})
    assert switch.signal.seen == pytest.approx(5 * switch.signal.expected, rel=0.05)


def test_a_cheaper_model_raises_nothing(fleet):
    now = fleet.places.cell(Cell("service-1", "answer", "openai", "small"))

    def switched(_, what):
        what["calls"][now], what["calls"][1] = what["calls"][1], 0
        what["price"][now] = 0.2

    assert fleet.run(3 / 24, switched) == []


def test_a_holiday_is_one_alert_and_its_end_is_none(fleet):
    assert told(fleet.run(1, scaled("calls", 0.3, slice(0, 6)))) in (["traffic_drop"], ["ingest_silence"])
    assert fleet.run(1) == []


def test_failures_do_not_raise_the_expectation_of_failures(fleet):
    trouble = failing("server_error", 0.4, slice(1, 2))
    assert told(fleet.run(2, trouble)) == ["failure_spike"]
    assert len(fleet.engine.incidents.active) == 1


def test_traffic_that_varies_far_more_than_chance_raises_nothing():
    fleet = Fleet(1)
    wild = np.random.default_rng(1)

    def trouble(_, what):
        what["calls"] *= wild.gamma(4, 1 / 4, len(what["calls"]))
        what["failing"] *= wild.gamma(2, 1 / 2, what["failing"].shape)

    assert fleet.run(11, trouble) == []


def test_a_young_fleet_is_not_judged_by_a_past_it_does_not_have():
    fleet = Fleet(3)
    assert fleet.run(0.5, lambda now, what: scaled("calls", 1 + now.hour / 4)(now, what)) == []


def test_few_calls_can_still_be_seen_to_fail():
    fleet = Fleet(5, per_bucket=0.3)
    assert fleet.run(10) == []
    failures = fleet.engine._watches[0]
    needed = failures._needed_of_many(np.arange(6))[PLACES["server_error"]]
    assert ((needed >= 10) & (needed < 13)).all()  # few failures a week are few chances of a false alarm
    assert told(fleet.run(3 / 24, failing("server_error", 0.9, slice(1, 2)))) == ["failure_spike"]


def test_a_burst_of_a_few_failures_must_be_beyond_doubt(fleet):
    failures, one = fleet.engine._watches[0], np.array([1])
    failed = np.zeros((7, 14, 1))
    failed[:, 0] = np.array([3, 4, 4, 4, 4, 5, 5])[:, None]  # from five minutes to three hours
    needed = failures._needed(failed, failed / 6, one)[:, 0, 0]
    assert (needed[:2] == 15.0).all()
    assert (needed[2:] <= 13.0).all()
    assert failures._needed(failed + 2, failed / 6, one)[0, 0, 0] <= 13.0


def test_a_runaway_on_a_holiday_is_told(fleet):
    """Too few calls everywhere do not explain far too many at one place."""

    def holiday(_, what):
        what["calls"] *= 0.3

    def runaway(now, what):
        holiday(now, what)
        what["calls"][1] *= 12

    assert told(fleet.run(2 / 24, holiday)) == ["traffic_drop"]
    fleet.engine._drivers = lambda *_: [Driver("user_id", "u-17", 1_000.0, 0.01, 3.5)]
    (alert,) = fleet.run(1 / 24, runaway)
    assert (alert.signal.kind, alert.signal.dimension) == ("cost_runaway", {"user_id": "u-17"})
    assert alert.signal.scope.place == 1


def test_nothing_that_comes_later_changes_what_was_said(grown):
    """The engine steps through time, so a history cut short says the same up to the cut."""
    troubled = failing("server_error", 0.4, slice(1, 2))
    whole, cut = copy.deepcopy(grown), copy.deepcopy(grown)
    first = cut.run(0.5 / 24, troubled)
    later = whole.run(0.5 / 24, troubled) + whole.run(1 / 24, scaled("calls", 0.0, slice(0, 6)))
    assert [(one.signal, one.detected) for one in later[: len(first)]] == [(one.signal, one.detected) for one in first]
    assert all(one.detected > cut.now for one in later[len(first) :])
