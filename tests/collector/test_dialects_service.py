"""Recorded requests through a real collector: over HTTP, in JSON, as spans and as events, across a crash."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import httpx
import pytest
from tests.collector.normalise.recordings import recordings
from tests.support.collector import start_collector

JSON = {"content-type": "application/json"}
EVERYTHING = {"from": "2026-11-02T11:00:00Z", "to": "2026-11-02T13:00:00Z"}


@pytest.fixture
def start(tmp_path):
    started = []

    def collector():
        started.append(start_collector(tmp_path / "data"))
        return started[-1]

    yield collector
    for each in started:
        each.stop()


def exports(name: str) -> list[dict[str, Any]]:
    return next(each for each in recordings() if each.name == name).exports


def of_scope(export: dict[str, Any], scope: str) -> dict[str, Any]:
    """What one emitter sent."""
    part = copy.deepcopy(export)
    for resource in part["resourceSpans"]:
        resource["scopeSpans"] = [each for each in resource["scopeSpans"] if each["scope"]["name"] == scope]
    return part


def post(collector: Any, export: dict[str, Any]) -> None:
    signal = "logs" if "resourceLogs" in export else "traces"
    url = f"{collector.otlp_http}/v1/{signal}"
    answer = httpx.post(url, content=json.dumps(export), headers=JSON, trust_env=False, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {})


def wait_for_retold(collector: Any) -> None:
    """The better telling is in the ledger a moment before the other has left it."""
    deadline = time.monotonic() + 30
    while "spanledger_calls_retold_total 1" not in httpx.get(f"{collector.api}/metrics", trust_env=False).text:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_call_told_before_a_crash_and_again_after_it_is_billed_once(start):
    (export,) = exports("anthropic_twice/anthropic_cached")
    first = start()
    post(first, of_scope(export, "opentelemetry.instrumentation.anthropic"))
    assert first.wait_for_calls(1)["calls"] == 1
    first.kill()
    second = start()
    post(second, of_scope(export, "com.anthropic.sdk.python"))
    for each in exports("claude_code/anthropic_plain"):
        post(second, each)
    wait_for_retold(second)
    assert second.wait_for_calls(2)["calls"] == 2
    calls = second.rows("latest_calls", **EVERYTHING)
    assert sorted(call["input_tokens"] for call in calls) == [100, 1000]
    assert sum(row["calls"] for row in second.rows("spend_by", by="model", **EVERYTHING)) == 2
