"""One bill, whoever tells of it and however often: programs in processes of their own, and a real collector."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.test_results import WORK, anthropic_batch, openai_file
from tests.support.collector import Collector, start_collector

from spanledger import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.provider import Clients

    from spanledger_collector.demo.simulator import Simulator

pytest.importorskip("chdb")
PROGRAMS = Path(__file__).with_name("programs")


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    running = start_collector(tmp_path_factory.mktemp("ledger"))
    yield running
    assert running.stop() == 0


def run(program: str, provider: Simulator, collector: Collector, service: str, **variables: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SPANLEDGER_"))}
    env |= {"OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "test", "OTEL_SERVICE_NAME": service}
    env |= {"ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_API_KEY": "test", "SPANLEDGER_ENDPOINT": collector.otlp_http}
    command = [sys.executable, "-m", "spanledger", "run", sys.executable, str(PROGRAMS / program)]
    done = subprocess.run(command, env={**env, **variables}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "spanledger" not in done.stderr


def stored(collector: Collector, service: str, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The calls of a service, once they are `enough`."""
    deadline = time.monotonic() + 120
    while True:
        found = [row for row in collector.rows("latest_calls", limit="200") if row["service"] == service]
        if enough(found):
            return found
        assert time.monotonic() < deadline, f"{len(found)} calls of {service} after 120 s"
        time.sleep(0.1)


def test_results_read_by_two_processes_are_billed_once_at_the_price_of_a_batch(
    provider: Simulator, clients: Clients, collector: Collector
) -> None:
    work = clients.openai.responses.create(**WORK).id
    clients.openai.responses.retrieve(work)  # the next time it is done
    given = {"FILE": openai_file(clients, "/v1/chat/completions"), "BATCH": anthropic_batch(clients), "RESPONSE": work}
    results = ["claude-sonnet-4-5"] * 3 + ["gpt-4.1"] + ["gpt-4.1-mini"] * 3
    for n in (1, 2):  # each asks a call of its own last
        run("reads_results.py", provider, collector, "reader", **given)
        rows = stored(collector, "reader", lambda found, n=n: models(found).count("gpt-4.1-nano") >= n)
        assert models(rows) == sorted([*results, *["gpt-4.1-nano"] * n])
    (mini, *_) = [row for row in rows if row["model"] == "gpt-4.1-mini"]
    listed = Decimal("0.4") * mini["input_tokens"] + Decimal("1.6") * mini["output_tokens"]
    assert Decimal(mini["cost_usd"]) == listed / 2 / 1_000_000


def models(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["model"] for row in rows)


def test_mistrals_own_spans_and_ours_in_one_collector_are_one_bill(provider: Simulator, collector: Collector) -> None:
    pytest.importorskip("mistralai.extra.observability.telemetry")
    told = {"THEIRS": collector.otlp_http, "MISTRAL": provider.base_urls["mistral"].removesuffix("/v1")}
    run("mistral_native.py", provider, collector, "native", MISTRAL_SDK_TELEMETRY="global", **told)

    def both_told(rows: list[dict[str, Any]]) -> bool:
        spans = collector.rows("trace", trace_id=rows[0]["trace_id"]) if rows else []
        told = [dict(span["attributes"]) for span in spans]
        calls = [each for each in told if semconv.OPERATION_NAME in each]
        return len(calls) == 6 and sum(semconv.OUTCOME in each for each in calls) == 3

    rows = stored(collector, "native", both_told)
    assert models(rows) == ["mistral-embed", "mistral-large-2512", "mistral-large-2512"]
    assert {row["trace_id"] for row in rows} == {rows[0]["trace_id"]}
