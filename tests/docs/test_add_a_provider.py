"""The page that says how to add a provider, followed to the letter in a copy of the library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.otlp_receiver import OtlpReceiver

from spanledger_collector.normalise import to_call
from spanledger_collector.otlp import decode
from spanledger_collector.pricing import Book

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-provider.md").read_text()
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture
def followed(tmp_path):
    """A folder with the library's copy, changed as the page says, the SDK and the program."""
    blocks = dict(BLOCK.findall(PAGE))
    shutil.copytree(ROOT / "instrument", tmp_path / "instrument", ignore=shutil.ignore_patterns("__pycache__"))
    registry = blocks.pop("instrument/spanledger/_registry.py")
    for name, text in blocks.items():
        (tmp_path / name).write_text(text)
    table = tmp_path / "instrument/spanledger/_registry.py"
    table.write_text(table.read_text().replace("SUPPORTED: Final = (\n", f"SUPPORTED: Final = (\n{registry}"))
    return tmp_path


def test_following_the_page_records_and_prices_a_new_provider(followed):
    path = os.pathsep.join(map(str, (followed / "instrument/spanledger/_autoload", followed / "instrument", followed)))
    with OtlpReceiver() as receiver:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "SPANLEDGER_ENDPOINT": receiver.url}
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=followed, env=env, capture_output=True, text=True, check=False
        )
        assert (done.stdout.split(), done.stderr) == (["yes", "yes"], "")
    calls = [to_call(span) for body in receiver.bodies for span in decode(body, time.time_ns())]
    book = Book(followed / "prices.toml")
    assert [(call.provider, call.model, call.outcome, call.stream) for call in calls] == [
        ("toyai", "toy-1-2026", "ok", False),
        ("toyai", "toy-1-2026", "ok", True),
    ]
    assert {(call.usage.uncached_input, call.usage.output) for call in calls} == {(12, 5)}
    assert {book.price(call).total for call in calls} == {Decimal("0.000064")}
    assert "0.000064 USD each" in PAGE
