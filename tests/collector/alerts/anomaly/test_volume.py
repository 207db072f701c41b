"""Counts of calls that are unusual for their hour, and yet nothing to tell of; and what is told all the same."""

import copy
from datetime import timedelta

import pytest
from tests.collector.alerts.anomaly.fleet import Fleet


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


def test_one_bucket_alone_is_no_surge_and_two_hours_are(fleet):
    first = fleet.now + timedelta(minutes=5)

    def blip(end, what):
        what["calls"][1] *= 6 if end == first else 1

    assert fleet.run(3 / 24, blip) == []

    def surge(_, what):
        what["calls"][1] *= 3

    assert told(fleet.run(2 / 24, surge)) == [("traffic_surge", 1)]


def test_a_job_that_moves_is_no_surge_at_its_new_hour(nights):
    fleet = copy.deepcopy(nights)
    assert ("traffic_surge", 1) not in told(fleet.run(1, job(3)))


def test_a_job_that_runs_twice_as_large_or_far_from_its_hour_is_told(nights):
    for trouble in (job(2, 8.0 * 4), job(13, 8.0)):
        fleet = copy.deepcopy(nights)
        assert ("traffic_surge", 1) in told(fleet.run(0.9, trouble))
