"""A deploy that changes a level for good is told once, with before and after, and what it made is usual then."""

from datetime import timedelta

import pytest
from tests.collector.alerts.anomaly.fleet import PLACES

from spanledger_collector.alerts.anomaly.wording import since_deploy
from spanledger_collector.alerts.series import described

GROUP = ("service-1", "answer")


def deployed(version: str, **factors: float):
    """Cell 1 answers with that version, and its series are so many times what they were."""

    def trouble(_, what):
        what["version"][1] = version
        for name, factor in factors.items():
            what[name][1] *= factor

    return trouble


def told(began: list) -> list[str]:
    return [one.signal.kind for one in began]


def changes(fleet) -> list:
    return [(one.series, one.deploy.version, round(one.after / one.before, 1)) for one in fleet.engine.deploys.changes]


@pytest.mark.parametrize(
    ("factors", "kind", "series", "ratio"),
    [
        ({"slow": 2.0}, "latency_regression", "duration_ms", 2.0),
        ({"first": 2.0}, "first_chunk_regression", "first_chunk_ms", 2.0),
        ({"tokens": 1.6}, "prompt_creep", "input_tokens", 1.6),
        ({"hit": 0.05}, "cache_collapse", "cache_hit_share", 0.0),
    ],
)
def test_a_worse_level_is_told_once_and_is_usual_then(fleet, factors, kind, series, ratio):
    began = fleet.run(0.9, deployed("1.1", **factors))
    assert told(began) == [kind]
    (incident,) = began
    assert incident.accepted
    assert incident.until - incident.detected <= timedelta(hours=7)
    assert "version 1.1 took over from 1.0" in since_deploy(incident.deploy)
    assert changes(fleet) == [(series, "1.1", ratio)]


def test_a_better_level_is_told_as_a_change_and_hides_no_later_trouble(fleet):
    assert fleet.run(0.5, deployed("1.1", slow=0.5)) == []
    assert changes(fleet) == [("duration_ms", "1.1", 0.5)]
    assert told(fleet.run(3 / 24, deployed("1.1", slow=0.8))) == ["latency_regression"]


def test_what_was_before_and_after_is_there_for_a_page(fleet):
    start = fleet.now
    fleet.run(0.5, deployed("1.1", slow=0.5))
    (change,) = described(fleet.engine, GROUP, start, fleet.now)["changes"]
    assert (change["version_before"], change["version"], change["series"]) == ("1.0", "1.1", "duration_ms")
    assert change["at"] == start
    assert change["after"] == pytest.approx(change["before"] / 2, rel=0.1)
    assert described(fleet.engine, ("service-2", "answer"), start, fleet.now)["changes"] == []


def test_a_deploy_that_changes_nothing_is_no_news(fleet):
    assert fleet.run(0.5, deployed("1.1")) == []
    assert fleet.engine.deploys.latest[1].version == "1.1"
    assert changes(fleet) == []


def test_a_version_rolled_back_has_its_own_level_again(fleet):
    fleet.run(0.5, deployed("1.1", slow=0.5, tokens=0.5))
    assert len(changes(fleet)) == 2
    assert fleet.run(0.5, deployed("1.0")) == []
    assert fleet.run(0.4, deployed("1.1", slow=0.5, tokens=0.5)) == []
    assert fleet.run(0.2, deployed("1.0")) == []


def test_a_rollback_soon_ends_the_incident_and_changes_no_level(fleet):
    assert told(fleet.run(2 / 24, deployed("1.1", slow=2.0))) == ["latency_regression"]
    assert fleet.run(0.5, deployed("1.0")) == []
    assert (fleet.engine.incidents.active, changes(fleet)) == ({}, [])


def test_a_canary_is_no_deploy(fleet):
    def canary(now, what):
        what["version"][1] = "1.1" if now.minute == 30 else "1.0"  # few calls: it is the main one now and then

    assert fleet.run(0.4, canary) == []
    assert fleet.engine.deploys.latest == {}


def test_failures_after_a_deploy_are_told_at_once_and_never_usual(fleet):
    def broken(_, what):
        what["version"][1] = "1.1"
        what["failing"][PLACES["server_error"], 1] = 0.4

    (spike,) = fleet.run(0.5, broken)
    assert spike.signal.kind == "failure_spike"
    assert spike.detected - (fleet.now - timedelta(days=0.5)) <= timedelta(minutes=10)
    assert len(fleet.engine.incidents.active) == 1


def test_a_shift_without_a_deploy_is_told_once_too(fleet):
    began = fleet.run(2.5, deployed("1.0", slow=2.0))
    assert told(began) == ["latency_regression"]
    assert began[0].until - began[0].detected == timedelta(days=2)
    assert changes(fleet) == []
