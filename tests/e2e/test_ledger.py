"""From an unmodified program to a priced row: real SDKs, real exporter, real collector, real page."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.collector import Collector, start_collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator

APP = Path(__file__).with_name("app.py")

# What the provider says each call used, in the order app.py makes them.
USAGES = [
    {
        "prompt_tokens": 2000,
        "completion_tokens": 100,
        "total_tokens": 2100,
        "prompt_tokens_details": {"cached_tokens": 1024},
    },
    {"prompt_tokens": 1500, "completion_tokens": 50, "total_tokens": 1550},
    {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 192},
        "total_tokens": 1500,
    },
    {
        "input_tokens": 120,
        "cache_read_input_tokens": 4000,
        "cache_creation_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 80,
    },
    {"input_tokens": 900, "output_tokens": 40},
    {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730},
]

# model, input, output, cost in US dollars and its arithmetic at list price per million tokens
EXPECTED = [
    ("gpt-4.1", 2000, 100, "0.003264"),  # 976 x 2 + 1024 x 0.5 + 100 x 8
    ("gpt-4.1-mini", 1500, 50, "0.00068"),  # 1500 x 0.4 + 50 x 1.6
    ("gpt-5", 1200, 300, "0.0045"),  # 1200 x 1.25 + 300 x 10
    ("claude-sonnet-4-6", 6120, 80, "0.01026"),  # 120 x 3 + 4000 x 0.3 + 2000 x 3.75 + 80 x 15
    ("claude-haiku-4-5", 900, 40, "0.0011"),  # 900 x 1 + 40 x 5
    ("ft:gpt-9-experimental:acme", 700, 30, None),  # nobody lists a price for it
]
TOTAL = Decimal("0.019804")


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    collector = start_collector(tmp_path / "data")
    yield collector
    collector.stop()


def run_app(collector: Collector, simulator: Simulator) -> None:
    simulator.script([{"usage": usage} for usage in USAGES])
    env = {
        **os.environ,
        "SPANLEDGER_ENDPOINT": collector.otlp_http,
        "OTEL_SERVICE_NAME": "shop",
        "OPENAI_API_KEY": "sk-loopback",
        "OPENAI_BASE_URL": f"{simulator.url}/v1",
        "ANTHROPIC_API_KEY": "sk-loopback",
        "ANTHROPIC_BASE_URL": simulator.url,
    }
    command = [sys.executable, "-m", "spanledger", "run", sys.executable, str(APP)]
    subprocess.run(command, env=env, check=True, timeout=60)


def ledger(collector: Collector) -> list[tuple[str, int, int, str | None]]:
    rows = sorted(collector.rows("latest_calls"), key=lambda row: row["start"])
    return [(r["model"], r["input_tokens"], r["output_tokens"], r["cost_usd"]) for r in rows]


def test_each_call_of_an_unmodified_program_is_priced_to_the_last_digit(collector, simulator):
    run_app(collector, simulator)
    totals = collector.wait_for_calls(len(EXPECTED))
    assert ledger(collector) == EXPECTED
    assert Decimal(totals["cost_usd"]) == TOTAL
    assert (totals["input_tokens"], totals["output_tokens"], totals["unpriced_calls"]) == (12420, 600, 1)
    assert totals["coverage"] == pytest.approx(5 / 6)


def test_a_killed_collector_still_has_every_acknowledged_call_once(tmp_path, simulator):
    first = start_collector(tmp_path / "data")
    run_app(first, simulator)  # returns once the exporter has flushed: every span is acknowledged
    first.kill()
    second = start_collector(tmp_path / "data")
    second.wait_for_calls(len(EXPECTED))
    assert ledger(second) == EXPECTED
    assert Decimal(second.rows("spend_by", by="service")[0]["cost_usd"]) == TOTAL
    assert second.stop() == 0


def test_the_calling_line_and_the_grade_stand_beside_each_call(collector, simulator):
    run_app(collector, simulator)
    collector.wait_for_calls(len(EXPECTED))
    rows = collector.rows("latest_calls")
    assert all(Path(row["call_site"].rpartition(":")[0]).name == "app.py" for row in rows)
    unknown = next(row for row in rows if row["model"].startswith("ft:"))
    assert (unknown["cost_grade"], unknown["cost_usd"]) == ("unknown", None)
    assert "ft:gpt-9-experimental:acme" in unknown["cost_reason"]
