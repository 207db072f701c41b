"""A pytest plugin for scripts/sdk_suites.py: an SDK's tests with the library active, and the proof that it was.

SPANLEDGER_SUITE_MODE says how far: `loaded` (nothing is done), `recorded` (instrumented, with a provider handed over),
`traced` (the application has a tracer provider, nothing is instrumented), `traced-recorded` (instrumented on top).
What happened in this very process is written to SPANLEDGER_SUITE_PROOF as JSON when the tests are over.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import spanledger
from spanledger import semconv
from spanledger._guard import faults
from spanledger._registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan


class Counting(SpanExporter):
    def __init__(self) -> None:
        self.recorded = 0  # with a call of ours on them
        self.others = 0
        self.tests: set[str] = set()
        self.test = ""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            if semconv.OUTCOME in (span.attributes or {}):
                self.recorded += 1
                self.tests.add(self.test)
            else:
                self.others += 1
        return SpanExportResult.SUCCESS


class Activation:
    def __init__(self, mode: str, proof: Path) -> None:
        self._mode = mode
        self._proof = proof
        self._counting = Counting()
        self._ran = 0

    def activate(self) -> None:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._counting))
        if self._mode.startswith("traced"):
            trace.set_tracer_provider(provider)
        if self._mode == "recorded":
            spanledger.instrument(tracer_provider=provider)
        elif self._mode == "traced-recorded":
            spanledger.instrument()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._counting.test = item.nodeid
        self._ran += 1
        return (yield)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What is skipped or broken as it is collected is a test case of the report, and no test is run for it."""
        self._ran += not report.passed

    def pytest_sessionfinish(self) -> None:
        self._proof.write_text(json.dumps(self._told(), indent=1))

    def _told(self) -> dict[str, Any]:
        patches = [patch for rows in REGISTRY.patches.values() for patch in rows]
        return {
            "mode": self._mode,
            "pid": os.getpid(),
            "tests_run": self._ran,
            "patches": sum(patch.active for patch in patches),
            "not_patched": {
                f"{patch.module}:{patch.path}": patch.found
                for patch in patches
                if not patch.active and patch.found != "not imported yet"
            },
            "spans": self._counting.recorded,
            "other_spans": self._counting.others,
            "tests_with_spans": len(self._counting.tests),
            "faults": dict(faults),
        }


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before a conftest imports the SDK, as `spanledger run` would be."""
    activation = Activation(os.environ["SPANLEDGER_SUITE_MODE"], Path(os.environ["SPANLEDGER_SUITE_PROOF"]))
    activation.activate()
    early_config.pluginmanager.register(activation, "spanledger-activation")
