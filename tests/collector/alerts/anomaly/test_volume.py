"""Counts of calls that are unusual for their hour, and yet nothing to tell of; and what is told all the same."""

import copy
from datetime import timedelta

import pytest
from tests.collector.alerts.anomaly.fleet import CELLS, Fleet


def job(hour: int, factor: float = 8.0):
    """Place 1 has a job at that hour."""

    def nightly(end, what):
        if (end - timedelta(minutes=5)).hour == hour:
            what["calls"][1] *= factor

    return nightly


def told(began: list) -> list[tuple[str, int]]:
    return [(one.signal.kind, one.signal.scope.place) for one in began if one.signal.family == "volume"]


@pytest.fixture(scope="module")
def nights():
    """Ten days of a job at two o'clock."""
    fleet = Fleet(11, per_bucket=4.0)
    assert fleet.run(10, job(2)) == []
    return fleet


def after(start):
    """Place 2 makes no call until then, and its usual ones from then on."""

    def begins(end, what):
        what["calls"][2] *= end > start

    return begins


@pytest.fixture(scope="module")
def young():
    """Nine days of a fleet whose place 2 was registered and never called."""
    fleet = Fleet(13)
    assert fleet.run(9.4, lambda _, what: what["calls"].__setitem__(2, 0)) == []
    return fleet


def test_one_bucket_alone_is_no_surge_and_two_hours_are(fleet):
    first = fleet.now + timedelta(minutes=5)

    def blip(end, what):
        what["calls"][1] *= 6 if end == first else 1

    assert fleet.run(3 / 24, blip) == []

    def surge(_, what):
        what["calls"][1] *= 3

    assert told(fleet.run(2 / 24, surge)) == [("traffic_surge", 1)]


@pytest.mark.parametrize("hour", [3, 1])
def test_a_job_that_moves_is_no_surge_at_its_new_hour_and_no_fall_at_its_old_one(nights, hour):
    fleet = copy.deepcopy(nights)
    assert told(fleet.run(1, job(hour))) == []


def test_a_job_that_does_not_come_is_told_when_it_could_no_longer_have_moved(nights):
    fleet = copy.deepcopy(nights)
    (missed,) = fleet.run(1)
    assert (missed.signal.kind, missed.signal.scope.place) == ("traffic_drop", 1)
    assert (missed.detected.hour, missed.detected.minute) == (5, 0)
    assert missed.signal.seen < 0.3 * missed.signal.expected


def test_silence_in_a_job_s_hour_is_told_in_it(nights):
    fleet = copy.deepcopy(nights)

    def dead(end, what):
        what["calls"][1] *= 0 if (end - timedelta(minutes=5)).hour >= 2 else 1

    (fall,) = (one for one in fleet.run(0.25, dead) if one.signal.kind == "traffic_drop")
    assert fall.signal.scope.place == 1
    assert fall.detected.hour < 4


def test_a_place_that_begins_late_is_not_judged_for_a_week(young):
    places = [one.signal.scope.place for one in young.run(6, after(young.now)) if one.signal.family == "volume"]
    assert places == []


def test_a_holiday_of_a_few_places_is_one_fall():
    fleet = Fleet(12, CELLS[:3])
    assert fleet.run(9.4) == []

    def quiet(_, what):
        what["calls"] *= 0.3

    (fall,) = fleet.run(0.5, quiet)
    assert (fall.signal.kind, fall.signal.scope.level) == ("traffic_drop", "fleet")


def test_a_job_that_runs_twice_as_large_or_far_from_its_hour_is_told(nights):
    for trouble in (job(2, 8.0 * 4), job(13, 8.0)):
        fleet = copy.deepcopy(nights)
        assert ("traffic_surge", 1) in told(fleet.run(0.9, trouble))
