from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.support.api_rows import ENDLESS, HOUR, NOW, key, latency

from spanledger_dashboard import charts
from spanledger_dashboard.palette import GREY, SERIES, Palette
from spanledger_dashboard.period import RANGES

WEEK = RANGES["Last 7 days"](NOW, timezone.utc)


def drawn(rows: list[dict[str, Any]], ranked: list[dict[str, Any]]) -> dict[str, Any]:
    return charts.spend_over_time(rows, WEEK, charts.series(ranked, Palette())).to_dict()


def data(chart: dict[str, Any]) -> list[dict[str, Any]]:
    return chart["datasets"][chart["data"]["name"]]


def test_the_seventh_key_and_all_after_it_are_one_series() -> None:
    ranked = [key(f"model-{i}") for i in range(9)]
    rows = [key(f"model-{i}", bucket=HOUR, cost_usd=Decimal("0.1")) for i in range(9)]
    chart = drawn(rows, ranked)
    scale = chart["encoding"]["color"]["scale"]
    assert scale["domain"] == [*(f"model-{i}" for i in range(6)), "other (3)"]
    assert scale["range"] == [*SERIES, GREY]
    assert [point["spend"] for point in data(chart) if point["series"] == "other (3)"] == ["$0.30"]


def test_days_without_calls_keep_their_place() -> None:
    chart = drawn([key("a", bucket=HOUR)], [key("a")])
    assert len(chart["encoding"]["x"]["scale"]["domain"]) == 7
    assert len(data(chart)) == 1


def test_only_the_running_day_is_drawn_lighter() -> None:
    rows = [key("a", bucket=HOUR), key("a", bucket=HOUR - timedelta(days=2))]
    assert [point["running"] for point in data(drawn(rows, [key("a")]))] == [False, True]


def test_a_bucket_of_unknown_price_has_no_height_but_its_calls() -> None:
    (point,) = data(drawn([key("a", bucket=HOUR, cost_usd=None)], [key("a", cost_usd=None)]))
    assert (point["dollars"], point["calls"]) == (0, "3 calls")


def test_two_endless_names_stay_two_series() -> None:
    ranked = [key(ENDLESS + "1"), key(ENDLESS + "2")]
    shown = charts.series(ranked, Palette())
    assert len(set(shown.names)) == 2
    assert shown.key(shown.names[1]) == ENDLESS + "2"
    assert all(len(name) < 80 for name in shown.names)


def test_a_key_that_arrived_after_the_ranking_is_drawn_with_the_others() -> None:
    assert data(drawn([key("new", bucket=HOUR)], [key("a")]))[0]["series"] == "other"


def test_latency_names_its_unit() -> None:
    shown = charts.series([key("a")], Palette())
    drawn = [charts.latency([latency("a", p95_ms=p95)], shown).to_dict() for p95 in (1900.0, 900.0)]
    titles = [chart["layer"][0]["encoding"]["x"]["axis"]["title"] for chart in drawn]
    assert titles == ["seconds: median, 95th percentile", "milliseconds: median, 95th percentile"]


def test_a_model_has_one_colour_on_all_charts_of_a_page() -> None:
    shown = charts.series([key(f"model-{i}") for i in range(8)], Palette())
    chart = charts.latency([latency("model-7"), latency("model-2")], shown).to_dict()
    assert chart["layer"][0]["encoding"]["color"]["scale"]["range"] == [GREY, shown.colours[2]]


def test_a_key_keeps_its_colour_whatever_is_drawn_beside_it() -> None:
    palette = Palette()
    first = dict(zip("abc", palette.colours(["a", "b", "c"]), strict=True))
    assert palette.colours(["c", "z", "a"])[::2] == [first["c"], first["a"]]


def test_no_two_series_of_a_chart_share_a_colour() -> None:
    palette = Palette()
    for i in range(40):
        colours = palette.colours([f"key-{i * j}" for j in range(1, 7) if i] or ["only"])
        assert len(set(colours)) == len(colours)
