"""Every SDK x every way to call it x everything that can go wrong: recorded or not, the application sees the same.

Each cell runs twice plain and once recorded. What the plain runs agree on, the recorded one has to repeat: replies and
pieces with their types, exceptions, warnings, log, context, and every byte on the wire.
"""

from __future__ import annotations

import gc
import ssl
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from tests.instrument.conformance.observed import differences
from tests.instrument.conformance.runner import Run, exported, recorded
from tests.instrument.conformance.scenarios import SCENARIOS, Scenario
from tests.instrument.conformance.sdk import CANARY, WAYS, Absent, Elsewhere, Sdk
from tests.instrument.conformance.table import ROWS

import spanledger
from spanledger import semconv
from spanledger._registry import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark.structures import ParameterSet

    from spanledger_collector.demo.simulator import Simulator


def cells() -> Iterator[ParameterSet]:
    for sdk in ROWS:
        for scenario in SCENARIOS:
            if not callable(sdk.ways[scenario.way]):
                continue
            reason = sdk.wrong.get(scenario.name, "")
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            for asynchronous in scenario.asynchronous:
                if asynchronous in sdk.asynchronous:
                    name = f"{sdk.name} {'async' if asynchronous else 'sync'} {scenario.name}"
                    yield pytest.param(sdk, _for(sdk, scenario), asynchronous, id=name, marks=marks)


def _for(sdk: Sdk, scenario: Scenario) -> Scenario:
    told = sdk.differs.get(scenario.name)
    if told is None:
        return scenario
    return replace(scenario, outcome=told.outcome, grades=told.grades, attempts=told.attempts)


@pytest.fixture(scope="module", autouse=True)
def _all_found() -> Iterator[None]:
    """The registry learns what there is to patch. Certificates are read once, garbage is sought among new objects."""
    for sdk in ROWS:
        import_module(sdk.package)
    spanledger.instrument()
    spanledger.uninstrument()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lru_cache(ssl.create_default_context))
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()


@pytest.mark.parametrize(("sdk", "scenario", "asynchronous"), list(cells()))
def test_recorded_or_not_the_application_sees_the_same(
    provider: Simulator, sdk: Sdk, scenario: Scenario, *, asynchronous: bool
) -> None:
    run = Run(sdk, scenario, provider, asynchronous=asynchronous)
    before, after = run.go(), run.go()
    with recorded(run) as (spans, started):
        watched = run.go()
    assert differences(watched, before, after) == []
    fails = scenario.outcome in ("error", "cancelled") or scenario.name in sdk.unsent
    assert fails or "error 0 type" not in watched
    finished = spans.all
    if scenario.name in sdk.unsent:
        assert not finished
        assert "request 0 line" not in watched
        return
    assert started.count == len(finished) == 1
    for span in finished:
        check(dict(span.attributes or {}), sdk, scenario)
    assert CANARY.encode() not in exported(tuple(finished))


def check(told: dict[str, Any], sdk: Sdk, scenario: Scenario) -> None:
    """The outcome, the attempts and the bill of one call."""
    assert told[semconv.OUTCOME] == scenario.outcome
    assert told[semconv.USAGE_GRADE] in scenario.grades
    assert told[semconv.ATTEMPTS] == scenario.attempts
    if told[semconv.USAGE_GRADE] == "measured":
        names = (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS, semconv.USAGE_CACHE_READ)
        assert tuple(told.get(name) for name in names) == sdk.tokens


@pytest.mark.parametrize("sdk", ROWS, ids=attrgetter("name"))
def test_every_way_is_tried_or_declared_absent(provider: Simulator, sdk: Sdk) -> None:
    assert set(sdk.ways) == set(WAYS)
    rows = {row.name: row for row in ROWS}
    client = sdk.client(provider, sdk.asynchronous[0], {"max_retries": 0})
    for way, tried in sdk.ways.items():
        if isinstance(tried, Elsewhere):
            assert callable(rows[tried.row].ways[way])
        elif isinstance(tried, Absent):
            with pytest.raises(AttributeError):
                attrgetter(tried.attribute)(client)


def test_every_integration_is_in_the_matrix() -> None:
    """Of those in this environment."""
    here = {row.package for row in SUPPORTED if not row.framework and _found(row.package)}
    assert here - {sdk.package for sdk in ROWS} == set()


def _found(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # google is there with other packages
        return False
