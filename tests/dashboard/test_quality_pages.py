"""Reliability, prompt cache and structured output, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.dashboard.test_other_pages import finding
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, NOW, failure, hostile, key, latency, small, totals

from spanledger_dashboard import prefix, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

TRACE = "ab" * 16
PAGES = ["reliability", "prompt-cache", "structured-output"]


def attempts(name: str = "support", **changes: Any) -> dict[str, Any]:
    counts = {"calls": 100, "attempts": 110, "retried_calls": 8, "failed_calls": 2, "rate_limited": 5}
    times = {"timed_calls": 8, "wasted_ms": 61_000.0, "trace_ids": [TRACE]}
    return {"service": name, "provider": "openai", "model": name, **counts, **times, **changes}


def headroom(name: str = "support", **changes: Any) -> dict[str, Any]:
    limits = {"requests_limit": 500, "requests_left": 0.04, "tokens_limit": 0, "tokens_left": None}
    return {"service": name, "provider": "openai", "model": name, "calls": 9, **limits, **changes}


def part(name: str, tokens: int, usd: str, **changes: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("provider", "service_tier", "team", "feature", "price"), "")
    row = {"day": NOW, "model": "gpt-4.1", "cost_grade": "measured", "part": name, "calls": 1, "tokens": tokens}
    return {**texts, **row, "cost_usd": Decimal(usd), **changes}


def prompt(**changes: Any) -> dict[str, Any]:
    names = {"service": "support", "feature": "", "model": "gpt-4.1", "call_site": "", "block_chars": 512}
    numbers = {"calls": 3, "input_tokens": 400, "read_tokens": 100}
    return {**names, **numbers, "blocks": "ab" * 6, "masked_blocks": "ab" * 6, "volatile_kinds": ["date"], **changes}


def validation(schema: str = "Invoice", **changes: Any) -> dict[str, Any]:
    counts = {"calls": 40, "failures": 4, "truncated_failures": 1, "truncated": 2, "priced_failures": 4}
    named = {"fields": ["total", "date"], "field_calls": [3, 1], "trace_ids": [TRACE], "cost_usd": Decimal("0.5")}
    return {"service": "billing", "model": "gpt-4.1", "schema": schema, **counts, **named, **changes}


def hostile_answers() -> dict[str, list[dict[str, Any]]]:
    return hostile() | {
        "attempts": [attempts(name) for name in HOSTILE],
        "headroom": [headroom(name) for name in HOSTILE],
        "cost_parts": [part("input", 9, "0.1", model=name) for name in HOSTILE],
        "prompt_prefixes": [prompt(service=name, model=name, volatile_kinds=[name]) for name in HOSTILE],
        "validations": [validation(name, service=name, fields=[name, "a"]) for name in HOSTILE],
    }


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def said(app: AppTest) -> list[str]:
    """What is read as markdown."""
    return [str(element.value) for element in [*app.markdown, *app.caption, *app.metric]]


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_ledger_tells_how_to_connect_the_first_service(opened: Opened, page: str) -> None:
    with ApiDouble() as api:
        app = opened(api, page)
    assert not app.exception
    assert "No calls yet" in app.markdown[0].value


@pytest.mark.parametrize("page", PAGES)
def test_hostile_names_are_never_markdown(opened: Opened, page: str) -> None:
    with ApiDouble(hostile_answers()) as api:
        app = opened(api, page)
    assert not app.exception
    assert not any(name[:9] in text for text in said(app) for name in HOSTILE if name)


@pytest.mark.parametrize("page", PAGES)
def test_a_ledger_without_prices_never_shows_a_zero(opened: Opened, page: str) -> None:
    unpriced = {"cost_usd": None, "coverage": 0.0, "unpriced_calls": 3}
    with ApiDouble(small(totals=[totals(**unpriced)], spend_by=[key("acme", **unpriced)])) as api:
        app = opened(api, page)
    assert not app.exception
    assert not any(text.rstrip(".").endswith("$0") for text in [*said(app), *(text.value for text in app.text)])


def test_reliability_says_what_failed_and_what_retrying_took(opened: Opened) -> None:
    rows = small(
        totals=[totals(calls=100, failures=2, attempts=110)],
        failures=[failure("APITimeoutError"), failure("RateLimitError")],
        attempts=[attempts()],
        headroom=[headroom()],
        latency=[latency("openai", first_chunk_p50_ms=400.0, first_chunk_p95_ms=900.0)],
    )
    with ApiDouble(rows) as api:
        app = opened(api, "reliability")
    assert not app.exception
    assert app.text[0].value.startswith("2.0\xa0% of 100 calls failed in the last 7 days; most often")
    assert app.text[0].value.endswith("10 requests had to be repeated, which took 1\xa0min 1\xa0s of waiting.")
    assert metrics(app)["Timeouts"] == "1"
    assert metrics(app)["Requests per call"] == "1.100"
    assert metrics(app)["First chunk p95"] == "900\xa0ms"
    assert app.dataframe[-1].value["Requests left"].tolist() == [0.04]


def times(calls: int, p95: float, p50: float = 400.0) -> dict[str, Any]:
    return latency("openai", calls=calls, p50_ms=p50, p95_ms=p95, first_chunk_p50_ms=p50, first_chunk_p95_ms=p95)


def test_latency_is_compared_in_words_with_the_period_before(opened: Opened) -> None:
    rows = small(latency=[times(500, 1500.0)], first_chunks=[{"key": "", "calls": 300}])
    with ApiDouble(rows) as api:
        api.rows_before = {"latency": [times(400, 1000.0, 500.0)], "first_chunks": [{"key": "", "calls": 19}]}
        app = opened(api, "reliability")
    assert not app.exception
    deltas = {metric.label: metric.delta for metric in app.metric}
    assert deltas["Latency p95"] == "500\xa0ms slower (50\xa0%)"
    assert deltas["First chunk p95"] == "too little data before"
    assert "median 400\xa0ms, 100\xa0ms faster (20\xa0%)" in said(app)
    places = next(table.value for table in app.dataframe if "p95 moved" in table.value)
    assert places["p95 moved"].tolist() == ["too little data"]  # of gpt-4.1, of which no call is timed


def test_without_a_comparison_no_latency_is_compared(opened: Opened) -> None:
    with ApiDouble(small(latency=[times(500, 1500.0)])) as api:
        app = opened(api, "reliability", compare="Nothing")
    assert {metric.label: metric.delta for metric in app.metric}["Latency p95"] == ""
    assert not any("p95 moved" in table.value for table in app.dataframe)


def test_what_hardly_moved_is_grey_and_what_did_not_says_nothing() -> None:
    small_step, none, better = (waiting.change(now, 1000.0, 20, 20) for now in (1010.0, 1000.0, 400.0))
    assert small_step
    assert (small_step.text, small_step.colour) == ("10\xa0ms slower (1\xa0%)", "gray")
    assert better
    assert (better.rises, better.colour) == (False, "green")
    assert none is None
    assert waiting.compared({"p95_ms": 5.0, "calls": 20}, {"p95_ms": 5.0, "calls": 20}) == "the same"


def test_reliability_without_failures_or_limits_says_so(opened: Opened) -> None:
    with ApiDouble(small(totals=[totals(failures=0)], failures=[], spend_over_time=[])) as api:
        app = opened(api, "reliability")
    assert app.text[0].value == "None of 3 calls failed in the last 7 days. 0 requests had to be repeated."
    assert any("told its rate limits" in text for text in said(app))


def test_the_cache_page_says_how_much_was_served_and_what_it_is_worth(opened: Opened) -> None:
    parts = [part("input", 300, "0.9"), part("cache_read", 100, "0.1"), part("output", 5, "7")]
    with ApiDouble(small(cost_parts=parts, prompt_prefixes=[prompt()], findings=[finding()])) as api:
        app = opened(api, "prompt-cache", range="Last 24 hours")
    assert not app.exception
    assert app.text[0].value == (
        "Prompt caches served 25.0\xa0% of 400 input tokens in the last 24 hours; $0.90 of $1.00 for input was paid at "
        "the full price. 1 finding on caching, worth about $30.00 a month."
    )
    assert metrics(app)["Cache hit rate"] == "25.0\xa0%"
    assert app.selectbox(key="place").options == ["support · gpt-4.1"]


def test_a_prefix_is_shared_volatile_or_different() -> None:
    chains = [("aa" * 6 + "bb" * 6 + f"{n:012x}", "aa" * 6 + "cc" * 6 + f"{n:012x}") for n in range(3)]
    calls = [
        prompt(blocks=blocks[:12] + f"{n:012x}", masked_blocks=masked) for n, (blocks, masked) in enumerate(chains)
    ]
    found = prefix.stretches(calls)
    assert [(each["start"], prefix.kind(each)) for each in found] == [
        (0, "shared as sent"),
        (512, "shared but for volatile text"),
        (1024, "different in each call"),
    ]


def test_structured_output_says_what_failed_where_and_for_how_much(opened: Opened) -> None:
    rows = [validation(), validation("Ticket", failures=1, priced_failures=0, cost_usd=None, truncated_failures=0)]
    with ApiDouble(small(validations=rows)) as api:
        app = opened(api, "structured-output")
    assert not app.exception
    assert app.text[0].value.startswith(
        "5 replies of 80 (6.2\xa0%) failed their schema in the last 7 days, at a cost of $0.50 plus 1 reply of unknown "
        "price; 1 was cut short; "
    )
    assert app.dataframe[0].value["Paid"].tolist()[0] == Decimal("0.5")
    assert metrics(app)["Paid for failed replies"] == r"\$0.50"


def test_failed_replies_of_no_known_price_cost_nobody_knows_what(opened: Opened) -> None:
    with ApiDouble(small(validations=[validation(priced_failures=0, cost_usd=None)])) as api:
        app = opened(api, "structured-output")
    assert "at an unknown cost" in app.text[0].value
    assert metrics(app)["Paid for failed replies"] == "unknown"


def test_replies_that_nobody_checks_are_said_to_be_unchecked(opened: Opened) -> None:
    with ApiDouble(small()) as api:
        app = opened(api, "structured-output")
    assert app.text[0].value == "No reply was checked against a schema in the last 7 days."
