"""The services run unmodified under `spanledger run`, and the history looks like what they send."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.support.otlp_sink import OtlpSink, attributes

from spanledger_collector.demo.fleet.catalogue import SERVICES
from spanledger_collector.demo.fleet.running import Addresses, Fleet, environment
from spanledger_collector.demo.history.month import HOUR_NS, Month
from spanledger_collector.demo.simulator import Simulator

# Only some calls have these: a retry, a failed validation.
SOMETIMES = ("http.request.resend_count", "spanledger.attempt.", "spanledger.validation.fields", "error.type")
# Known differences: of a prompt that the history does not have, of headers it leaves out, of a simulator on loopback,
# and of calls that belong together.
PROMPT = (
    "spanledger.fingerprint.",
    "spanledger.prefix.",
    "spanledger.prompt.",
    "spanledger.rate_limit.",
    "spanledger.input.chars",
    "spanledger.provider.assumed",
    "spanledger.logical.",
)
ZERO_PARTS = ("gen_ai.usage.audio.", "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.reasoning")
SITES = {"answer", "hand_over", "extract", "classify", "embed", "respond", "preview", "plan", "title"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(call site, resource, attributes) of what the fleet sent in its first seconds."""
    directory = tmp_path_factory.mktemp("fleet")
    with OtlpSink() as sink, Simulator() as simulator:
        fleet = Fleet(directory, Addresses(sink.url, simulator.url))
        try:
            fleet.start()
            wait_for(lambda: set(by_site(sink)) >= SITES, fleet)
        finally:
            fleet.stop()
        return by_site(sink)


def by_site(sink):
    found = {}
    for resource, span in sink.spans:
        told = attributes(span.attributes)
        if told["spanledger.outcome"] == "ok":
            found[told["code.function.name"]] = (resource, told)
    return found


def wait_for(reached, fleet, seconds=60):
    deadline = time.monotonic() + seconds
    while not reached():
        assert not fleet.ended
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_every_line_that_calls_a_model_is_recorded(recorded):
    assert set(recorded) == SITES


def test_services_are_told_apart_and_labelled_as_made_up(recorded):
    resources = [resource for resource, _ in recorded.values()]
    assert {each["service.name"] for each in resources} == {service.name for service in SERVICES}
    assert {each["spanledger.demo"] for each in resources} == {"true"}
    assert recorded["extract"][1]["spanledger.tag.team"] == "finance"


def made_up():
    anchor = 498_700
    month = Month(5_000, anchor, Path("/demo"))
    with OtlpSink() as sink:
        for _, body in month.requests(range(anchor - 48, anchor), anchor * HOUR_NS):
            sink._take("/v1/traces", body)
        return by_site(sink)


def names(told):
    return {name for name in told if not name.startswith((*SOMETIMES, *PROMPT, *ZERO_PARTS))}


@pytest.mark.parametrize("site", sorted(SITES))
def test_the_history_has_the_attributes_that_the_library_records(recorded, site):
    real, invented = recorded[site], made_up()[site]
    assert names(invented[1]) == names(real[1])
    shared = names(real[1])
    assert {n: type(invented[1][n]) for n in shared} == {n: type(real[1][n]) for n in shared}
    assert invented[1]["code.line.number"] == real[1]["code.line.number"]


def test_settings_of_the_shell_do_not_reach_the_services():
    outer = {"OTEL_TRACES_SAMPLER": "always_off", "OPENAI_ORG_ID": "org-real", "PATH": "/bin"}
    told = environment(SERVICES[0], Addresses("http://otlp", "http://simulator"), outer)
    assert "OTEL_TRACES_SAMPLER" not in told
    assert "OPENAI_ORG_ID" not in told
    assert told["PATH"] == "/bin"
