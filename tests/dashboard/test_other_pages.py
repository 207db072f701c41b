"""Findings, calls and a trace, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, MARKDOWN, MARKUP, NOW, call, hostile, small

from spanledger_dashboard import cache, looking, waterfall
from spanledger_dashboard.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

TRACE = "ab" * 16


def finding(**changes: Any) -> dict[str, Any]:
    names = {"service": "support", "feature": "chat", "model": "gpt-4.1", "provider": "openai", "call_site": "app.py:7"}
    texts = {
        "title": "A date-time breaks the cache",
        "why": "38 of 40 calls.",
        "fix": "Move it.",
        "snippet": "x",
        "verify": "v",
    }
    row = {
        "id": "f" * 32,
        "detector": "D1",
        "category": "cache",
        "status": "open",
        "confidence": "high",
        "trace_ids": [TRACE],
    }
    times = {"window_start": NOW - timedelta(days=7), "window_end": NOW, "first_seen": NOW, "last_seen": NOW}
    money = {"money_usd": Decimal(7), "money_grade": "modelled", "overlap_usd": None, "calls": 40, "days": 3}
    return {**names, **texts, **row, **times, **money, **changes}


def span(name: str, number: int, parent: int | None = None, **changes: Any) -> dict[str, Any]:
    ids = {"span_id": f"{number:016x}", "parent_span_id": None if parent is None else f"{parent:016x}"}
    times = {"start": NOW + timedelta(milliseconds=10 * number), "duration_ms": 100.0}
    told = {"kind": "client", "status": "unset", "attributes": [("spanledger.attempt.statuses", "[429,200]")]}
    return {"name": name, "service": "support", "cost_usd": None, "cost_grade": None, **ids, **times, **told, **changes}


def texts(app: AppTest) -> str:
    return "\n".join(text.value for text in app.text)


def captions(app: AppTest) -> str:
    return "\n".join(each.value for each in app.caption)


@pytest.fixture
def at(opened: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """The app on one of its pages."""

    def at(api: ApiDouble, name: str, **query: Any) -> AppTest:
        return opened(api, name, **query)

    return at


def test_findings_say_what_they_are_worth_a_month(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small(findings=[finding(), finding(id="e" * 32, money_usd=None, money_grade="none")])) as api:
        app = at(api, "findings")
    assert not app.exception
    assert app.text[0].value.startswith("2 findings to look at, worth about $30.00 a month.")
    assert app.metric[0].value == r"≈ \$30.00"
    assert "no saving claimed" in texts(app)


def test_a_decision_goes_to_the_collector(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small(findings=[finding()])) as api:
        app = at(api, "findings")
        app.text_input[0].set_value("ada")
        app.radio[0].set_value("dismissed")
        app.button[-1].click().run()
    assert api.acted == [(f"/api/v1/findings/{'f' * 32}", {"status": "dismissed", "by": "ada", "note": ""})]


@pytest.mark.parametrize("name", ["findings", "calls"])
def test_an_empty_ledger_tells_how_to_connect_the_first_service(at: Callable[..., AppTest], name: str) -> None:
    with ApiDouble() as api:
        app = at(api, name)
    assert not app.exception
    assert "No calls yet" in app.markdown[0].value


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(at: Callable[..., AppTest], text: str) -> None:
    named = dict.fromkeys(("title", "why", "service", "model", "call_site"), text)
    spans = [span(text, 1, service=text, attributes=[(text or "a", text)])]
    with ApiDouble(hostile() | {"findings": [finding(**named)], "trace": spans}) as api:
        for name in ("findings", "calls", "trace"):
            app = at(api, name, trace_id=TRACE)
            assert not app.exception
            drawn = [*app.markdown, *app.caption]
            assert not any(
                ("<script>" in each.value or "[click]" in each.value) and "`" not in each.value for each in drawn
            )


SEARCHES = ["haiku support", 'customer="Ac & me" 100%', "größe=日本", MARKUP, MARKDOWN]


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_in_the_link_is_what_the_ledger_is_asked(at: Callable[..., AppTest], text: str) -> None:
    with ApiDouble(small(latest_calls=[call(model="claude-haiku-4-5")])) as api:
        app = at(api, "calls", q=text, model="m")
        asked = [params for query, params in api.asked if query == "latest_calls"]
    assert not app.exception
    assert all((params["q"], params["model"]) == ([text], ["m"]) for params in asked)
    assert [asked[0]["limit"], asked[-1]["limit"]] == [["1000"], ["999"]]
    assert [params["to"] for params in asked[1:]] == [params["from"] for params in asked[:-1]]
    assert app.text_input(key="q").value == text
    assert list(app.dataframe[0].value["Model"]) == ["claude-haiku-4-5"]
    assert "1 call found, all that match in this time." in captions(app)
    assert not any(text in each.value for each in (*app.markdown, *app.caption))


def test_a_search_is_asked_for_once_it_is_typed(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small()) as api:
        app = at(api, "calls")
        assert "The newest 1 call." in captions(app)
        assert not [params for _, params in api.asked if "q" in params]
        app.text_input(key="q").set_value("  haiku ").run()
        assert {params["q"][0] for _, params in api.asked if "q" in params} == {"haiku"}


def test_a_search_says_that_it_has_reached_its_limit(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small(latest_calls=[call()] * 1000)) as api:
        app = at(api, "calls", q="haiku")
    assert "The newest 1,000 that match; there may be older ones: add a term" in captions(app)


def test_what_was_found_stays_when_older_days_take_too_long(
    at: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, asked = cache.rows, []

    def tires(query: str, params: Any = ()) -> Any:
        if query == "latest_calls":
            asked.append(dict(params))
            if len(asked) > 2:
                raise ApiError("failed", "took more than 20 s")
        return ask(query, params)

    monkeypatch.setattr(cache, "rows", tires)
    with ApiDouble(small(latest_calls=[call(model="claude-haiku-4-5")])) as api:
        app = at(api, "calls", q="haiku")
    assert not app.exception
    assert list(app.dataframe[0].value["Model"]) == ["claude-haiku-4-5"]
    assert "1 call found back to" in captions(app)
    assert "Older days took too long" in captions(app)


@pytest.mark.parametrize("days", [0, 1, 7, 90])
def test_stretches_are_all_of_the_time_newest_first(days: int) -> None:
    start = NOW - timedelta(days=days)
    found = list(looking.stretches(start, NOW))
    assert sum((until - since for since, until in found), timedelta()) == NOW - start
    assert [since for since, _ in found[:-1]] == [until for _, until in found[1:]]
    assert len(found) <= 9


def test_a_search_that_finds_nothing_can_be_changed(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small(latest_calls=[])) as api:
        app = at(api, "calls", q="nothing")
    assert not app.exception
    assert app.text_input(key="q").value == "nothing"
    assert "0 calls found" in captions(app)


@pytest.mark.parametrize("status", [400, 422])
def test_a_search_that_is_refused_is_told_as_text_beneath_it(at: Callable[..., AppTest], status: int) -> None:
    with ApiDouble(small()) as api:
        api.failure_of["/query/latest_calls"] = (status, f"parameter 'q' cannot be {MARKUP!r}: close the quote")
        app = at(api, "calls", q=MARKUP)
    assert not app.exception
    assert app.error[0].value == "The collector cannot search for this."
    assert "close the quote" in texts(app)
    assert MARKUP not in "".join(each.value for each in (*app.markdown, *app.caption, *app.error))
    assert app.text_input(key="q").value == MARKUP


def test_a_trace_says_what_it_cost_and_what_is_unknown(at: Callable[..., AppTest]) -> None:
    billed = span("chat a", 2, 1, cost_usd=Decimal("0.25"), cost_grade="measured")
    unknown = span("chat b", 3, 1, cost_grade="unknown", status="error")
    with ApiDouble(small(trace=[span("POST /ask", 1), billed, unknown])) as api:
        app = at(api, "trace", trace_id=TRACE)
    said = app.text[0].value
    assert said == "2 billed calls for $0.25, 1 call of unknown cost in 120\xa0ms: 3 spans, 1 span ended in an error."
    table = app.dataframe[0].value
    assert list(table["cost"]) == ["", "$0.25", "unknown"]
    assert list(table["attempts"]) == ["429 → 200"] * 3


def test_each_request_of_a_call_is_drawn_where_it_was() -> None:
    told = {"spanledger.attempt.statuses": "[429, 200]", "spanledger.attempt.waits": "[0.03, 0]"}
    call = span("chat a", 2, duration_ms=100.0, cost_usd=Decimal("0.25"), cost_grade="modelled")
    call["attributes"] = [*told.items(), ("spanledger.attempt.durations", "[0.02, 0.05]")]
    bars = waterfall.chart([call]).to_dict()["datasets"].popitem()[1]
    assert [(bar["start"], bar["end"], bar["kind"]) for bar in bars] == [
        (0, 20, "repeated request"),
        (50, 100, "billed call"),
    ]
    assert [bar["paid"] for bar in bars] == ["", "≈ $0.25"]


@pytest.mark.parametrize("durations", ["[1]", "no list", '["a", 2]', "[1e99, 1]", "{}"])
def test_a_span_whose_requests_do_not_fit_one_another_is_one_bar(durations: str) -> None:
    told = {"spanledger.attempt.statuses": "[429, 200]", "spanledger.attempt.waits": "[0.03, 0]"}
    one = span("chat a", 2) | {"attributes": [*told.items(), ("spanledger.attempt.durations", durations)]}
    assert len(waterfall.chart([one]).to_dict()["datasets"].popitem()[1]) == 1


def test_a_trace_is_told_in_the_zone_of_the_link(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small(trace=[span("POST /ask", 0)])) as api:
        app = at(api, "trace", trace_id=TRACE, zone="Asia/Tokyo")
    table = app.dataframe[0].value
    assert list(table["started (Asia/Tokyo)"]) == [NOW.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M:%S.%f")[:-3]]


@pytest.mark.parametrize("page", ["", "calls", "prompt-cache", "structured-output", "trace", "spend", "models"])
def test_money_of_days_that_were_priced_again_is_marked(at: Callable[..., AppTest], page: str) -> None:
    row = {"day": NOW, "difference_usd": Decimal("-0.5"), "reason": "corrected"}
    with ApiDouble(small(trace=[span("POST /ask", 1)], restatements=[row])) as api:
        app = at(api, page, **({"trace_id": TRACE} if page == "trace" else {}))
    assert not app.exception
    assert "Restated: 1 day of this time was priced again since" in captions(app)


def test_what_burns_and_what_to_fix_stand_on_the_overview(at: Callable[..., AppTest]) -> None:
    alert = {
        "rule": "spend over budget",
        "state": "firing",
        "since": NOW,
        "summary": MARKUP,
        "labels": [("service", "a")],
    }
    with ApiDouble(small(findings=[finding(money_usd=Decimal(7))], alerts=[alert])) as api:
        app = at(api, "")
    assert not app.exception
    burning, first = (next(t.value for t in app.dataframe if name in t.value.columns) for name in ("Rule", "A month"))
    assert burning.to_dict("records")[0]["Place"] == "a"
    assert first["A month"].tolist() == ["≈ $30.00"]


def test_an_id_that_is_none_is_asked_for(at: Callable[..., AppTest]) -> None:
    with ApiDouble(small()) as api:
        app = at(api, "trace", trace_id="zz")
    assert "Paste the id of a trace" in texts(app)


def test_children_follow_their_parents_and_loops_end() -> None:
    spans = [span("c", 3, 2), span("a", 1), span("b", 2, 1), span("lost", 4, 99), span("x", 5, 6), span("y", 6, 5)]
    assert [(depth, each["name"]) for depth, each in waterfall.in_order(spans)] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
        (0, "lost"),
    ]
