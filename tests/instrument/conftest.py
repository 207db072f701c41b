"""The library at work in this process: real SDKs, a simulated provider, spans in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from tests.support.provider import Clients, _provider, clients, provider
from tests.support.spans import Spans

import spanledger
from spanledger import _guard, _setup

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Clients", "_provider", "clients", "provider"]
HERE = __file__.rpartition("/")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run against the SDKs installed, in both environments."""
    for item in items:
        if str(item.path).startswith(HERE):
            item.add_marker("sdk")


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    _guard._said.clear()


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Instrumented into memory; a fault of our own during the test fails it."""
    kept = Spans()
    _guard.faults.clear()
    spanledger.instrument(tracer_provider=kept.provider)
    yield kept
    spanledger.uninstrument()
    assert not _guard.faults
    assert _setup.enclosing.get() is None, "a framework's span was left current"
    assert not trace.get_current_span().get_span_context().is_valid, "a span was left current"


@pytest.fixture
def spans_despite_faults() -> Iterator[Spans]:
    """Instrumented, with faults of our own put in by the test."""
    kept = Spans()
    spanledger.instrument(tracer_provider=kept.provider)
    yield kept
    spanledger.uninstrument()
    _guard.faults.clear()
