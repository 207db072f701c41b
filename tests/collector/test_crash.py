"""A collector killed at random while a client sends: what it acknowledged is in the ledger, once, in rows and sums."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.support.collector import Collector, children, start_collector
from tests.support.otlp import body, chat_span

from spanledger_collector.settings import embedded_dsn

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = int(os.environ.get("SPANLEDGER_KILL_ROUNDS", "5"))  # 50 by hand
REQUESTS = 50  # in one round
SPANS = 3  # in a request
PRICE = Decimal("0.0028")
HEADERS = {"content-type": "application/x-protobuf"}


@dataclass
class Sender:
    """Sends until the collector is gone, and sends again what was not acknowledged, as an exporter does."""

    acknowledged: set[str] = field(default_factory=set)  # span ids, hex
    waiting: list[tuple[set[str], bytes]] = field(default_factory=list)

    def send_until_killed(self, url: str) -> None:
        with httpx.Client(headers=HEADERS, trust_env=False, timeout=10) as client:
            self.waiting += [_request() for _ in range(REQUESTS)]
            for ids, content in list(self.waiting):
                try:
                    answer = client.post(f"{url}/v1/traces", content=content)
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200
                self.acknowledged |= ids
                self.waiting.remove((ids, content))
                time.sleep(0.01)


def _request() -> tuple[set[str], bytes]:
    spans = [chat_span() for _ in range(SPANS)]
    return {span.span_id.hex() for span in spans}, body(*spans)


def kill_while_it_accepts(collector: Collector, sender: Sender, seconds: float) -> None:
    thread = threading.Thread(target=sender.send_until_killed, args=(collector.otlp_http,))
    thread.start()
    time.sleep(seconds)
    collector.kill()
    thread.join(30)


def billed_spans(data: Path) -> list[str]:
    """By the store itself, once its collector is gone: the API lists a thousand calls at most."""
    script = (
        "import sys; from spanledger_collector.store import Store; store = Store.open(sys.argv[1]); "
        "print(*store.query('SELECT lower(hex(span_id)) AS id FROM calls').column('id').to_pylist()); store.close()"
    )
    asked = [sys.executable, "-c", script, embedded_dsn(data)]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


READS_APART = """
import sys
from spanledger_collector.reading import process
process.LARGE_BYTES, process.AGAIN_S = 1, 0.0
from spanledger.__main__ import main
sys.argv[0] = "spanledger"
sys.exit(main())
"""
PROGRAMS = {"small segments": ("-m", "spanledger"), "all read apart": ("-c", READS_APART)}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_what_was_acknowledged_is_there_once_after_every_kill(tmp_path, program):
    chance, sender = random.Random(7), Sender()
    for _ in range(ROUNDS):
        collector = start_collector(tmp_path / "data", program=program)
        kill_while_it_accepts(collector, sender, chance.uniform(0.05, 1.3))
    last = start_collector(tmp_path / "data", program=program)
    sender.send_until_killed(last.otlp_http)
    assert_all_is_there_once(tmp_path / "data", last, sender)


def assert_all_is_there_once(data: Path, last: Collector, sender: Sender) -> None:
    totals = last.wait_for_calls(len(sender.acknowledged))
    stored = last.get("/api/v1/status")["store"]["tables"]
    assert last.stop() == 0
    rows = billed_spans(data)
    assert sender.acknowledged == set(rows)
    assert len(rows) == stored["calls"]["rows"] == stored["spans"]["rows"] == totals["calls"]
    assert Decimal(totals["cost_usd"]) == PRICE * len(rows)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the children")
def test_what_was_acknowledged_is_there_once_however_often_its_reader_is_killed(tmp_path):
    collector, sender, killed = start_collector(tmp_path / "data", program=PROGRAMS["all read apart"]), Sender(), []
    thread = threading.Thread(target=sender.send_until_killed, args=(collector.otlp_http,))
    chance = random.Random(8)
    thread.start()
    for _ in range(2 * ROUNDS):
        time.sleep(chance.uniform(0.05, 0.8))
        for child in children(collector.process.pid):
            os.kill(child, signal.SIGKILL)
            killed.append(child)
        if not thread.is_alive():
            thread = threading.Thread(target=sender.send_until_killed, args=(collector.otlp_http,))
            thread.start()
    thread.join(60)
    assert killed
    assert_all_is_there_once(tmp_path / "data", collector, sender)
