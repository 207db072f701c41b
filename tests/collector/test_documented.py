"""The documentation names every metric and every setting of the collector, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spanledger_collector import command
from spanledger_collector.counters import COUNTERS, GAUGES, HISTOGRAMS
from spanledger_collector.otlp import REASONS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_metric_is_documented_and_no_other():
    documented = set(re.findall(r"spanledger_[a-z_]+", (DOCS / "metrics.md").read_text()))
    assert documented == {*COUNTERS, *GAUGES, *HISTOGRAMS}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_for_refusing_a_span_is_documented(reason):
    assert f"`{reason}`" in (DOCS / "metrics.md").read_text()


def test_every_flag_of_the_collector_is_documented():
    flags = [flag for action in command._parser("any", None)._actions for flag in action.option_strings]
    flags += ["--agent", *(f"--{name}" for name in command.TLS_FILES)]
    text = (DOCS / "settings.md").read_text()
    assert not [flag for flag in flags if flag not in text and flag not in ("-h", "--help")]
