"""Detectors that look at when calls come: repeats in step, jobs by the clock, limits that will be reached."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.traffic import DAY_S, told, write

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
