"""`spanledger up` as a newcomer runs it: one command, a program recorded, the total on the page, Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.test_ledger import EXPECTED, TOTAL, run_app
from tests.support.collector import Collector, start_collector

from spanledger_dashboard.format import money

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.browser import Watched

    from spanledger_collector.demo.simulator import Simulator

ADDRESS = re.compile(r"^(OTLP/HTTP|OTLP/gRPC|API|Dashboard):?\s+(http://\S+)")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[Collector, str]]:
    """The running command and its dashboard's address, read from what it prints."""
    command = [sys.executable, "-m", "spanledger", "up", "--data", str(tmp_path / "data"), "--port", "0"]
    for listener in ("--otlp-http", "--otlp-grpc", "--api"):
        command += [listener, "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said: dict[str, str] = {}
    for line in process.stdout:
        if found := ADDRESS.match(line):
            said[found[1]] = found[2]
        if "Dashboard" in said:
            break
    collector = Collector(process, said["OTLP/HTTP"], said["OTLP/gRPC"], said["API"])
    yield collector, said["Dashboard"]
    collector.stop()


def test_the_page_shows_the_total_of_the_program_that_just_ran(
    up: tuple[Collector, str], simulator: Simulator, watched: Watched
) -> None:
    collector, dashboard = up
    run_app(collector, simulator)
    totals = collector.wait_for_calls(len(EXPECTED))
    assert Decimal(totals["cost_usd"]) == TOTAL
    watched.page.goto(dashboard)
    spend = watched.page.get_by_test_id("stMetric").filter(has=watched.page.get_by_text("Spend", exact=True))
    expect(spend.get_by_test_id("stMetricValue")).to_have_text(money(TOTAL), timeout=120_000)
    expect(watched.page.get_by_text("+ 1 call of unknown price")).to_be_visible()
    assert watched.complaints == []


def test_ctrl_c_stops_collector_and_dashboard_and_loses_nothing(
    up: tuple[Collector, str], simulator: Simulator, tmp_path: Path
) -> None:
    collector, dashboard = up
    run_app(collector, simulator)
    collector.process.send_signal(signal.SIGINT)
    assert collector.process.wait(60) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(dashboard, timeout=5)
    reopened = start_collector(tmp_path / "data")
    assert Decimal(reopened.wait_for_calls(len(EXPECTED))["cost_usd"]) == TOTAL
    assert reopened.stop() == 0
