"""One place against its own past: the sentence, the bands, flagged stretches, their causes and calls."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from tests.dashboard.test_money_and_alert_pages import incident, segment
from tests.dashboard.test_quality_pages import said
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, HOUR, NOW, hostile, key, small

from spanledger_dashboard import bands, deploys, unusual
from spanledger_dashboard.charts import series, spend_over_time
from spanledger_dashboard.palette import Palette
from spanledger_dashboard.period import RANGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

WEEK = RANGES["Last 7 days"](NOW, timezone.utc)
UNITS = {"cost_usd": "US dollars", "duration_ms": "ms", "failure_share": "share of calls", "calls": "calls"}


def point(hours_ago: int, seen: float | None, expected: float | None = 1.0) -> dict[str, Any]:
    band = {"lower": 0.5, "upper": 1.5} if expected is not None else {"lower": None, "upper": None}
    return {"start": (HOUR - timedelta(hours=hours_ago)).isoformat(), "seen": seen, "expected": expected, **band}


def flag(name: str = "support", **changes: Any) -> dict[str, Any]:
    told = {"kind": "cache_collapse", "labels": {"service": name}, "summary": f"{name} lost its cache", "basis": name}
    figures = {"seen": 0.1, "expected": 0.9, "unit": "share", "fingerprint": "f" * 32}
    cause = [{"part": "calls", "ratio": 1.1}, {"part": "cache", "ratio": 2.4}]
    times = {"since": (NOW - timedelta(hours=3)).isoformat(), "until": None}
    edges = {"from": (NOW - timedelta(hours=3)).isoformat(), "to": NOW.isoformat()}
    calls = {"query": "latest_calls", "params": {"service": name, "feature": "", **edges}}
    return {**told, **figures, **times, "cause": cause, "calls": calls, **changes}


def answer(*flagged: dict[str, Any], **changes: Any) -> dict[str, Any]:
    points = [point(3, 1.0), point(2, None), point(1, 3.0)]
    series = [{"name": name, "unit": unit, "points": points} for name, unit in UNITS.items()]
    place = {"service": "support", "feature": "", "bucket_minutes": 60, "learning": False}
    return {
        **place,
        "judged_until": NOW.isoformat(),
        "series": series,
        "flagged": list(flagged),
        "changes": [],
        **changes,
    }


def moved(version: str = "2.4.1", **changes: Any) -> dict[str, Any]:
    at = (HOUR - timedelta(hours=2)).isoformat()
    who = {"provider": "openai", "model": "gpt-4.1", "version": version, "version_before": "2.4.0", "at": at}
    level = {"series": "duration_ms", "unit": "ms", "before": 400.0, "after": 1300.0, "told_at": NOW.isoformat()}
    return who | level | changes


def double(*flagged: dict[str, Any], **changes: Any) -> ApiDouble:
    api = ApiDouble(small(segments=[segment("gpt-4.1", "support", "3")], alerts=[incident()]))
    api.answers["/alerts/anomalies"] = answer(*flagged, **changes)
    return api


def test_an_empty_ledger_tells_how_to_connect_the_first_service(opened: Opened) -> None:
    with ApiDouble() as api:
        app = opened(api, "anomalies")
    assert "No calls yet" in app.markdown[0].value


def test_hostile_names_are_never_markdown(opened: Opened) -> None:
    rows = hostile() | {"segments": [segment(name, name, "0.1", feature=name) for name in HOSTILE]}
    with ApiDouble(rows | {"alerts": [incident(name) for name in HOSTILE]}) as api:
        api.answers["/alerts/anomalies"] = answer(
            *(flag(name, kind=name) for name in HOSTILE),
            changes=[moved(name, model=name, version_before=name, series=name) for name in HOSTILE],
        )
        app = opened(api, "anomalies")
    assert not app.exception
    assert not any(name and name[:9] in text for text in said(app) for name in HOSTILE)


def test_the_newest_stretch_is_told_first_with_what_moved_and_what_to_do(opened: Opened) -> None:
    with double(flag(summary="older"), flag()) as api:
        app = opened(api, "anomalies")
    assert not app.exception
    assert app.text[0].value.startswith("2 stretches of ")
    assert "support lost its cache" in app.text[0].value
    assert app.text[1].value == "cache collapse: support lost its cache"
    assert any("Seen 10.0\xa0%, expected 90.0\xa0%" in text.value for text in app.text)
    assert {"Acknowledge", "Silence"} <= {each.label for each in app.button}


def test_the_calls_of_a_stretch_are_asked_for_only_when_wanted(opened: Opened) -> None:
    with double(flag()) as api:
        app = opened(api, "anomalies")
        assert not [params for query, params in api.asked if query == "latest_calls"]
        app.toggle[0].set_value(True).run()
        (asked,) = [params for query, params in api.asked if query == "latest_calls"]
    assert asked["service"] == ["support"]
    assert {"from", "to"} <= set(asked)


def test_nothing_out_of_the_ordinary_is_said(opened: Opened) -> None:
    with double() as api:
        app = opened(api, "anomalies")
    assert app.text[0].value.endswith("stands out in this time.")


def test_rules_that_still_learn_say_up_to_when(opened: Opened) -> None:
    with double(learning=True, series=[], judged_until="2026-11-02T10:00:00+00:00") as api:
        app = opened(api, "anomalies")
    assert "still learning from the ledger, so far up to 2026-11-02 10:00 UTC" in app.text[0].value


@pytest.mark.parametrize("span", list(unusual.DAYS))
def test_place_and_time_come_from_the_url(opened: Opened, span: str) -> None:
    with double() as api:
        api.rows["segments"] = [segment("m", "support", "3"), segment("m", "triage", "1", feature="tickets")]
        app = opened(api, "anomalies", span=span, at="triage · tickets", zone="Europe/Berlin")
    assert not app.exception
    assert [each.value for each in app.selectbox] == [span, "triage · tickets", "Europe/Berlin"]
    assert "triage · tickets" in app.text[0].value


def test_a_picture_keeps_gaps_and_shows_the_clock_of_the_zone() -> None:
    one = {"name": "cost_usd", "unit": "US dollars", "points": [point(2, None), point(1, 3.0, None)]}
    drawn = bands.chart(one, [flag()], ZoneInfo("Asia/Kolkata")).to_dict()
    (rows,) = [rows for rows in drawn["datasets"].values() if "seen" in rows[0]]
    assert [row["seen"] for row in rows] == [None, 3.0]
    assert [row["said"] for row in rows] == ["unknown", "3 US dollars"]
    assert rows[0]["said_when"].endswith(":30")


def test_a_stretch_before_the_picture_is_not_drawn() -> None:
    one = {"name": "calls", "unit": "calls", "points": [point(2, 1.0), point(1, 3.0)]}
    past = flag(since=(NOW - timedelta(days=9)).isoformat(), until=(NOW - timedelta(days=8)).isoformat())
    assert len(bands.chart(one, [past], ZoneInfo("UTC")).to_dict()["layer"]) == 4
    assert len(bands.chart(one, [flag()], ZoneInfo("UTC")).to_dict()["layer"]) == 5


def test_what_a_deploy_changed_for_good_is_said_and_stands_in_a_table(opened: Opened) -> None:
    tokens = moved(series="input_tokens", unit="tokens a call", before=1200.0, after=900.0)
    with double(changes=[moved(), tokens, moved("2.3.9", at=(NOW - timedelta(days=1)).isoformat())]) as api:
        app = opened(api, "anomalies")
    assert not app.exception
    assert app.text[0].value.endswith(" 2 deploys changed for good what is usual here.")
    told = app.dataframe[0].value
    assert told["Version"].tolist() == ["2.4.1", "2.4.1", "2.3.9"]
    assert told["What"].tolist() == ["latency", "input tokens", "latency"]
    assert (told["Before"][0], told["After"][0]) == ("400 ms", "1.3 s")


def test_deploys_are_rules_in_every_picture_and_say_their_numbers_in_their_own() -> None:
    points = [point(3, 1.0), point(1, 3.0)]
    for name, label in (("duration_ms", "2.4.1: 400\xa0ms → 1.3\xa0s"), ("cost_usd", "2.4.1")):
        one = {"name": name, "unit": "ms", "points": points}
        marks = deploys.marks([moved()], one, ZoneInfo("UTC"))
        drawn = bands.chart(one, [], ZoneInfo("UTC"), marks).to_dict()
        assert [layer["mark"]["type"] for layer in drawn["layer"][-2:]] == ["rule", "text"]
        (row,) = next(rows for rows in drawn["datasets"].values() if "label" in rows[0])
        assert row["label"] == label
        assert row["what"] == "latency of gpt-4.1 400\xa0ms → 1.3\xa0s"
    assert deploys.marks([], one, ZoneInfo("UTC")) == []


def deployed(version: str, hours_ago: int, service: str = "support") -> dict[str, Any]:
    return {"service": service, "version": version, "first_seen": HOUR - timedelta(hours=hours_ago), "calls": 9}


def test_deploys_stand_where_they_were_made_in_the_spend_over_time() -> None:
    bars = series([key("a")], Palette())
    rows = [deployed("2.4.1", 50), deployed("2.5.0", 2), deployed("7", 2, "search")]
    drawn = spend_over_time([key("a", bucket=HOUR)], WEEK, bars, deploys.on_bars(rows, WEEK)).to_dict()
    (marked,) = [rows for rows in drawn["datasets"].values() if "said" in rows[0]]
    assert [row["label"] for row in marked] == ["2.4.1", "2 deploys"]
    assert marked[1]["said"].startswith("2.5.0 of support, ")
    assert "; 7 of search, " in marked[1]["said"]
    assert {row["when"] for row in marked} <= set(drawn["layer"][0]["encoding"]["x"]["scale"]["domain"])
    assert deploys.on_bars([], WEEK) == []


@pytest.mark.parametrize("name", HOSTILE[:5])
def test_deploys_of_hostile_names_are_drawn_and_cut(opened: Opened, name: str) -> None:
    rows = [deployed(name, hours, name) for hours in range(1, 9)]
    with ApiDouble(small(deploys=rows)) as api:
        app = opened(api)
    assert not app.exception
    assert all(len(json.dumps(layer.to_dict())) < 4000 for layer in deploys.on_bars(rows, WEEK))
