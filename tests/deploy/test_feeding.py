"""What an OpenTelemetry Collector in front of us passes on by its filters: every recorded call of every dialect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.collector.normalise.recordings import recordings

from spanledger_collector.normalise import to_call

FEEDS = Path(__file__).parents[2] / "deploy" / "otel-collector" / "feeds-us.yaml"
PROCESSORS = yaml.safe_load(FEEDS.read_text())["processors"]
PRESENT = re.compile(r'attributes\["([^"]+)"\] != nil')
SCOPE = re.compile(r'IsMatch\(instrumentation_scope\.name, "([^"]+)"\)')
WORDS = re.compile(r"\b(?:not|or)\b|[()\s]")
SPANS, EVENTS = (
    [span for each in recordings() for span in each.spans() if bool(span.event) is is_event and to_call(span)]
    for is_event in (False, True)
)


def condition(name, kind, record):
    (found,) = PROCESSORS[name][kind][record]
    return found


def passes(dropped_if, span):
    """`dropped_if` is ``not (a or b ...)`` of the two forms above and nothing else."""
    present, scopes = PRESENT.findall(dropped_if), SCOPE.findall(dropped_if)
    return any(name in span.attributes for name in present) or any(re.search(each, span.scope) for each in scopes)


@pytest.mark.parametrize("dropped_if", [condition("filter/llm", "traces", "span")])
def test_every_recorded_call_told_by_a_span_goes_on(dropped_if):
    assert len(SPANS) > 100
    assert not [(span.scope, span.name) for span in SPANS if not passes(dropped_if, span)]


@pytest.mark.parametrize("dropped_if", [condition("filter/agents", "logs", "log_record")])
def test_every_recorded_call_told_by_an_event_goes_on(dropped_if):
    assert len(EVENTS) > 5
    assert not [(span.scope, span.name) for span in EVENTS if not passes(dropped_if, span)]


@pytest.mark.parametrize("name", [("filter/llm", "traces", "span"), ("filter/agents", "logs", "log_record")])
def test_the_conditions_are_of_the_forms_read_here(name):
    dropped_if = condition(*name)
    assert dropped_if.startswith("not ")
    assert not WORDS.sub("", SCOPE.sub("", PRESENT.sub("", dropped_if)))
