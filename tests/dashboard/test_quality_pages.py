"""Reliability, prompt cache and structured output, with an empty, a small and a hostile ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.api_double import ApiDouble
from tests.support.api_rows import HOSTILE, failure, hostile, key, latency, small, totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Opened = Callable[..., AppTest]

TRACE = "ab" * 16
PAGES = ["reliability"]


def attempts(name: str = "support", **changes: Any) -> dict[str, Any]:
    counts = {"calls": 100, "attempts": 110, "retried_calls": 8, "failed_calls": 2, "rate_limited": 5}
    times = {"timed_calls": 8, "wasted_ms": 61_000.0, "trace_ids": [TRACE]}
    return {"service": name, "provider": "openai", "model": name, **counts, **times, **changes}


def headroom(name: str = "support", **changes: Any) -> dict[str, Any]:
    limits = {"requests_limit": 500, "requests_left": 0.04, "tokens_limit": 0, "tokens_left": None}
    return {"service": name, "provider": "openai", "model": name, "calls": 9, **limits, **changes}


def hostile_answers() -> dict[str, list[dict[str, Any]]]:
    return hostile() | {
        "attempts": [attempts(name) for name in HOSTILE],
        "headroom": [headroom(name) for name in HOSTILE],
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


def test_reliability_without_failures_or_limits_says_so(opened: Opened) -> None:
    with ApiDouble(small(totals=[totals(failures=0)], failures=[], spend_over_time=[])) as api:
        app = opened(api, "reliability")
    assert app.text[0].value == "None of 3 calls failed in the last 7 days. 0 requests had to be repeated."
    assert any("told its rate limits" in text for text in said(app))
