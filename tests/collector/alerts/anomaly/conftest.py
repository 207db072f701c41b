import copy

import pytest
from tests.collector.alerts.anomaly.fleet import Fleet


@pytest.fixture(scope="package")
def grown():
    """A fleet with two weeks and a working morning behind it, in which nothing happened."""
    fleet = Fleet()
    assert fleet.run(14.4) == []
    return fleet


@pytest.fixture
def fleet(grown):
    return copy.deepcopy(grown)
