"""Detectors that look at when calls come: repeats in step, jobs by the clock, limits that will be reached."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.traffic import DAY_S, told, write

from spanledger import semconv
from spanledger_collector.detect import DETECTORS

BY_ID = {each.id: each for each in DETECTORS}
USAGE = {"usage_input_tokens": 1000, "usage_output_tokens": 100}


def repeats(seed: str, *, wait_s: Any, apart_s: float = 0.01, calls: int = 40, **more: Any) -> list[Any]:
    """Refused and sent again, by ten, waves a minute apart, on two days."""
    spans = []
    for number in range(calls):
        ago = 3600 + (number // 20) * DAY_S + (number // 10) * 60 + (number % 10) * apart_s
        again = {"attempt_waits": [wait_s(number), 0.0], "attempt_durations": [0.2, 1.0]}
        told_wait = {"attempts": 2, "attempt_statuses": [429, 503 if number % 2 else 200], **again}
        spans.append(told(ago, f"{seed} {number}", **(USAGE | told_wait | {"attempt_retry_afters": [-1.0] * 2} | more)))
    return spans


def steady(_: int) -> float:
    return 2.0


def test_repeats_in_step_are_found(ledger: Any, look: Any) -> None:
    write(ledger, repeats("step", wait_s=steady))
    (found,) = look(BY_ID["D13b"], BY_ID["D13"])
    assert (found["detector"], found["money_usd"], found["confidence"]) == ("D13b", None, "high")
    assert found["title"] == "Repeats wait equally long: up to 10 come back at one moment"
    assert "40 calls waited 2.00 s before their first repeat" in found["why"]
    assert "40 of them came back in 4 waves of a quarter of a second, and 20 of those failed again" in found["why"]
    assert (len(found["trace_ids"]), found["calls"], found["days"]) == (3, 40, 2)


CLEAN: dict[str, Any] = {
    "waits with the chance that SDKs put in": {"wait_s": lambda n: 2.0 * (0.75 + n * 7 % 20 / 80)},
    "one at a time": {"wait_s": steady, "apart_s": 3.0},
    "as the provider told": {"wait_s": steady, "attempt_retry_afters": [2.0, -1.0]},
    "at once, which is D13's": {"wait_s": lambda _: 0.1},
    "too few": {"wait_s": steady, "calls": 9},
}


@pytest.mark.parametrize("kind", CLEAN)
def test_repeats_that_are_no_herd_are_not(ledger: Any, look: Any, kind: str) -> None:
    write(ledger, repeats(kind, **CLEAN[kind]))
    assert look(BY_ID["D13b"]) == []


def test_an_even_flow_of_repeats_is_no_wave(ledger: Any, look: Any) -> None:
    """Fifty a second, for as long as eight seconds: each quarter of a second has twelve of them."""
    flow = {"attempts": 2, "attempt_statuses": [429, 200], "attempt_waits": [2.0, 0.0], "attempt_durations": [0.2, 1.0]}
    spans = [told(3600 + n / 50, f"flow {n}", **USAGE, **flow, attempt_retry_afters=[-1.0] * 2) for n in range(400)]
    write(ledger, spans)
    assert look(BY_ID["D13b"]) == []


def job(
    seed: str,
    *,
    runs: int = 14,
    every_s: float = 7200,
    off_s: Any = lambda _: 0.0,
    apart_s: float = 40.0,
    **more: Any,
) -> list[Any]:
    """Six calls every other hour, so many times, from the last full hour but one back."""
    since_hour = time.time() % 3600
    spans = []
    for number in range(runs * 6):
        run, place = divmod(number, 6)
        ago = since_hour + 3600 + run * every_s + off_s(run) - place * apart_s
        spans.append(told(ago, f"{seed} {number}", **(USAGE | more)))
    return spans


HALF = Decimal("0.0014")  # of USAGE by gpt-4.1: $2 and $8 a million


def test_a_job_by_the_clock_is_found_with_its_dollars(ledger: Any, look: Any) -> None:
    write(ledger, job("hourly", off_s=lambda run: run % 3 * 7.0 - 7))
    (found,) = look(BY_ID["D28b"], BY_ID["D28"])
    assert found["title"] == "A job that starts by the hour, at :00 pays the full price"
    assert (found["detector"], found["money_usd"], found["money_grade"]) == ("D28b", HALF * 84, "modelled")
    assert found["why"].startswith("14 runs of 6 calls start by the hour, at :00, within 30 s")
    assert (found["confidence"], found["calls"]) == ("medium", 84)


@pytest.mark.parametrize(
    ("every_s", "words"), [(DAY_S, "by the day, at "), (4500, "by the quarter of an hour, at :00")]
)
def test_the_longest_clock_that_tells_the_time_is_named(ledger: Any, look: Any, every_s: float, words: str) -> None:
    write(ledger, job("clock", runs=24, every_s=every_s))
    (found,) = look(BY_ID["D28b"])
    assert words in found["title"]


def test_a_job_that_meets_the_limit_says_so(ledger: Any, look: Any) -> None:
    refused = {"attempts": 2, "attempt_statuses": [429, 200], "attempt_waits": [2.0, 0.0]}
    write(ledger, job("limited", provider_name="acme", **refused))
    (found,) = look(BY_ID["D28b"])
    assert found["title"] == "A job that starts by the hour, at :00 is refused for its rate"
    assert "100.0 % of its calls were refused for their rate (429)" in found["why"]
    assert (found["money_usd"], found["confidence"]) == (None, "high")  # no batch is known at this provider


def test_a_large_job_is_found_by_its_runs_and_scaled(ledger: Any, look: Any) -> None:
    """More calls a run than are read of the place: when runs start is asked of all of them."""
    hour = time.time() % 3600
    spans = [
        told(hour + 3600 * (1 + run * 5) - number * 1.0, f"large {run} {number}", **USAGE)
        for run in range(6)
        for number in range(200)
    ]
    write(ledger, spans)
    found = {row["detector"]: row for row in look(BY_ID["D28b"], BY_ID["D28"])}
    assert found["D28"]["money_usd"] == HALF * 1200
    assert set(found) == {"D28"}  # bursts without refusals are told once


NO_JOB: dict[str, Any] = {
    "at any minute": {"off_s": lambda run: run * 1009 % 3500 * -1.0},
    "a span around it": {"parent_span_id": b"p" * 8},
    "somebody reads along": {"request_stream": True},
    "in the batch tier already": {"service_tier": "batch"},
    "no batch at the provider": {"provider_name": "acme"},
    "too few runs": {"runs": 4},
    "without a pause": {"runs": 100, "every_s": 240.0},
    "all day long": {"runs": 20, "apart_s": 1200.0},
}


@pytest.mark.parametrize("kind", NO_JOB)
def test_what_no_clock_starts_or_no_batch_takes_is_no_job(ledger: Any, look: Any, kind: str) -> None:
    write(ledger, job(kind, **NO_JOB[kind]))
    assert look(BY_ID["D28b"]) == []


def test_a_dollar_of_bursts_by_the_clock_is_claimed_once(ledger: Any, look: Any) -> None:
    refused = {"attempts": 2, "attempt_statuses": [429, 200], "attempt_waits": [2.0, 0.0]}
    hour = time.time() % 3600
    spans = [
        told(hour + 3600 * (1 + run * 5) - number, f"burst {run} {number}", **USAGE, **refused)
        for run in range(6)
        for number in range(60)
    ]
    write(ledger, spans)
    found = {row["detector"]: row for row in look(BY_ID["D28b"], BY_ID["D28"])}
    assert (found["D28"]["money_usd"], found["D28b"]["money_usd"]) == (HALF * 360, 0)
    assert found["D28b"]["overlap_usd"] == HALF * 360


LIMIT = 1_000_000


def peaks(used: Any, *, days: int = 24, limit: Any = lambda _: LIMIT) -> list[Any]:
    """Two calls a day at noon, so many days back; ``used`` is the share at the busiest, by days from the first on."""
    noon = time.time() % DAY_S + DAY_S / 2
    spans = []
    for day in range(days):
        for number in range(2):
            most = limit(day)
            left = int(most * (1 - used(day) + number / 10))
            told_limit = {f"{semconv.RATE_LIMIT_PREFIX}tokens.limit": most}
            more = told_limit | {f"{semconv.RATE_LIMIT_PREFIX}tokens.remaining": min(most, left)}
            seed = f"peak {day} {number}"
            spans.append(told(noon + (days - 1 - day) * DAY_S - number, seed, **USAGE, more=more))
    return spans


def weekly(day: int, used: float) -> float:
    return used * (0.7 if day % 7 in (2, 3) else 1.0)


def test_the_day_a_limit_is_reached_is_foretold(ledger: Any, look: Any) -> None:
    write(ledger, peaks(lambda day: weekly(day, 0.3 + 0.02 * day)))
    (found,) = look(BY_ID["D21b"], BY_ID["D21"])
    # The last seen day, yesterday, uses 76 % of the limit; with two more on each day the rest is gone in twelve.
    about = datetime.now(timezone.utc) - timedelta(days=1) + timedelta(days=12)
    named = datetime.strptime(found["title"].rpartition("about ")[2], "%d %b %Y").replace(tzinfo=timezone.utc)
    assert abs(named - about) <= timedelta(days=2)
    assert found["title"].startswith("The limit of 1,000,000 tokens is reached about ")
    assert (found["money_usd"], found["confidence"], found["days"], found["calls"]) == (None, "medium", 24, 48)
    assert len(found["trace_ids"]) == 3
    assert found["service"] == "shop"


STAYS: dict[str, Any] = {
    "level, with weekends": {"used": lambda day: weekly(day, 0.7)},
    "falls": {"used": lambda day: 0.8 - 0.01 * day},
    "rose once": {"used": lambda day: 0.3 if day < 12 else 0.8},
    "too slow": {"used": lambda day: 0.3 + 0.002 * day},
    "too short to tell": {"used": lambda day: 0.3 + 0.02 * day, "days": 12},
    "goes up and down": {"used": lambda day: 0.5 + 0.3 * ((day * 5 % 7) / 7 - 0.5) * (-1) ** (day // 7)},
    "a limit that was raised": {
        "used": lambda day: 0.3 + 0.02 * day,
        "limit": lambda day: LIMIT * (1 if day < 20 else 9),
    },
    "nearly used, which is D21's": {"used": lambda day: 0.5 + 0.02 * day},
}


@pytest.mark.parametrize("kind", STAYS)
def test_what_does_not_come_closer_is_not_foretold(ledger: Any, look: Any, kind: str) -> None:
    write(ledger, peaks(**STAYS[kind]))
    assert look(BY_ID["D21b"]) == []
