"""A group's hours as they were judged: what a page draws beside an alert."""

from datetime import timedelta

import pytest
from tests.collector.alerts.anomaly.fleet import CELLS

from spanledger_collector.alerts.series import described

HOUR = timedelta(hours=1)
NAMES = (
    *("calls", "failure_share", "cost_usd", "duration_ms", "first_chunk_ms"),
    *("input_tokens", "output_tokens", "cache_hit_share"),
)
GROUP = ("service-1", "answer")


def points(told, name):
    (series,) = [one for one in told["series"] if one["name"] == name]
    return series["points"]


def test_usual_hours_lie_in_their_bands(fleet):
    told = described(fleet.engine, GROUP, fleet.now - timedelta(days=3), fleet.now)
    for name in NAMES:
        hours = points(told, name)
        inside = [one["lower"] <= one["seen"] <= one["upper"] for one in hours]
        assert (len(hours), sum(inside) >= 68) == (71, True), name
    assert [one["start"] for one in hours] == sorted(one["start"] for one in hours)
    assert (told["flagged"], told["bucket_minutes"]) == ([], 60)


def test_an_incident_is_flagged_with_the_parts_of_the_cost_that_moved(fleet):
    def trouble(_, what):
        what["price"][1] *= 1.3
        what["tokens"][1] *= 1.5
        what["calls"][1] *= 1.2

    fleet.run(0.4 / 24)  # to a whole hour
    start = fleet.now
    fleet.run(6 / 24, trouble)
    told = described(fleet.engine, GROUP, start - HOUR, fleet.now)
    flagged = {one["kind"]: one for one in told["flagged"]}
    cause = {one["part"]: one["ratio"] for one in flagged["price_change"]["cause"]}
    assert cause["price"] == pytest.approx(1.3, rel=0.02)
    assert 1.05 < cause["tokens"] < 1.5  # of the bill, which answers are part of
    assert 1.05 < cause["calls"] < 1.4
    assert cause["model"] == pytest.approx(1.0)
    seen, expected = (sum(one[name] for one in points(told, "cost_usd")[-4:]) for name in ("seen", "expected"))
    product = cause["calls"] * cause["tokens"] * cause["cache"] * cause["price"]
    assert seen / expected == pytest.approx(product, rel=0.15)
    asked = flagged["price_change"]["calls"]
    assert asked["query"] == "latest_calls"
    assert asked["params"] | {"from": 0, "to": 0} == {**CELLS[1]._asdict(), "from": 0, "to": 0}
    assert described(fleet.engine, ("service-2", "answer"), start, fleet.now)["flagged"] == []


def test_what_concerns_all_is_flagged_for_each(fleet):
    fleet.run(1.5 / 24, lambda _, what: what["calls"].fill(0.0))
    told = described(fleet.engine, GROUP, fleet.now - 2 * HOUR, fleet.now)
    assert [one["kind"] for one in told["flagged"]] == ["ingest_silence"]
    assert points(told, "calls")[-1]["seen"] == 0


def test_a_group_nobody_has_seen(fleet):
    with pytest.raises(LookupError, match="no call of service 'x', feature 'y'"):
        described(fleet.engine, ("x", "y"), fleet.now - HOUR, fleet.now)
