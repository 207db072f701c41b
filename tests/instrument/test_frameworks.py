"""What frameworks have in common: a page that names them all, and structure in traces of our own provider."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.otlp_receiver import OtlpReceiver

import spanledger
from spanledger import _guard, _setup, semconv
from spanledger._registry import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import SpanContext
    from tests.support.provider import Clients

    from spanledger_collector.demo.simulator import Simulator

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"


def test_the_page_has_a_row_for_each_framework() -> None:
    told = re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert told == sorted(row.distribution for row in SUPPORTED if row.framework)


INSTRUMENTED_FIRST = """
import importlib, os
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import spanledger
from spanledger._guard import faults
from spanledger._registry import SUPPORTED
spanledger.instrument()
for row in SUPPORTED:
    if not (row.framework and row.first):  # the others are brought in by what the application imports, as SDKs are
        continue
    try:
        importlib.import_module(row.package)
    except ModuleNotFoundError:
        continue
    for patch in importlib.import_module(f"spanledger.integrations.{row.integration}").PATCHES:
        try:
            importlib.import_module(patch.module)
        except ModuleNotFoundError:
            assert not patch.required, patch
        assert patch.active or not patch.required, patch
    print(row.integration)
assert not faults, faults
"""


def test_what_is_imported_after_us_is_patched_as_it_comes() -> None:
    done = subprocess.run([sys.executable, "-c", INSTRUMENTED_FIRST], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    special = [row for row in SUPPORTED if row.framework and row.first]
    installed = {row.integration for row in special if find_spec(row.package)}
    assert set(done.stdout.split()) == installed


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        monkeypatch.setenv("SPANLEDGER_ENDPOINT", running.url)
        spanledger.instrument()
        yield running
        spanledger.uninstrument()
        _setup.use_provider(None)


def received(receiver: OtlpReceiver) -> dict[str, Any]:
    """Spans of our own provider by name."""
    _setup.destination().provider.force_flush()  # type: ignore[attr-defined]
    return {
        span.name: span
        for request in receiver._requests()
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def assert_nested(spans: dict[str, Any], outer: str, request: SpanContext) -> None:
    run, bill = spans[outer], spans["chat gpt-4.1"]
    assert bill.parent_span_id == run.span_id
    assert run.parent_span_id == request.span_id.to_bytes(8, "big")
    assert {run.trace_id, bill.trace_id} == {request.trace_id.to_bytes(16, "big")}


def test_structure_that_is_asked_for_lines_up_with_the_applications_trace(
    provider: Simulator, receiver: OtlpReceiver
) -> None:
    pytest.importorskip("langchain_openai")
    from langchain_core.runnables import RunnableLambda
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from tests.instrument.test_langchain import CANARY, gpt

    model, seen = gpt(provider), []

    def ask(question: str) -> Any:
        seen.append(trace.get_current_span())
        return model.invoke(question)

    with TracerProvider().get_tracer("app").start_as_current_span("request") as request:
        RunnableLambda(ask).with_config(run_name="outer").invoke(CANARY)
    assert seen == [request]  # ours never shows in the application's context
    assert_nested(received(receiver), "invoke_workflow outer", request.get_span_context())


@pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not in this environment")
def test_structure_that_is_entered_lines_up_with_the_applications_trace(
    provider: Simulator, receiver: OtlpReceiver
) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from tests.instrument.test_litellm_sold import litellm
    from tests.support.litellm_calls import GPT, MESSAGES, at

    groups = [{"model_name": "big", "litellm_params": at(provider, GPT)}]
    with TracerProvider().get_tracer("app").start_as_current_span("request") as request:
        litellm.Router(model_list=groups).completion("big", MESSAGES)
    spans = received(receiver)
    assert_nested(spans, "invoke_workflow Router", request.get_span_context())
    assert any(attribute.key == semconv.TRY_MODELS for attribute in spans["invoke_workflow Router"].attributes)


def _langchain(provider: Simulator, _: Clients) -> Any:
    from tests.instrument.test_langchain import ASKED, chain

    return chain(provider).invoke(ASKED)


def _litellm(provider: Simulator, _: Clients) -> Any:
    from tests.instrument.test_litellm_router import CLAUDE, MESSAGES, at, completion, router

    router(provider).completion("small", MESSAGES)
    return list(completion(messages=MESSAGES, stream=True, **at(provider, CLAUDE)))


def _llama_index(provider: Simulator, _: Clients) -> Any:
    from tests.instrument.test_llama_index import CANARY, engine

    return engine(provider).query(CANARY)


def _mcp(_provider: Simulator, _: Clients) -> Any:
    from tests.instrument.test_mcp import asked

    return asked(lambda client: client.call_tool("look_up", {"name": "x"}))


def _openai_agents(_provider: Simulator, clients: Clients) -> Any:
    from tests.instrument.test_openai_agents import CANARY, Runner, helper, look_up

    return Runner.run_sync(helper(clients, tools=[look_up]), CANARY).final_output


def _pydantic_ai(_provider: Simulator, clients: Clients) -> Any:
    from tests.instrument.test_pydantic_ai import CANARY, with_a_tool

    return with_a_tool(clients).run_sync(CANARY).output


ASKS = {
    "agents": _openai_agents,
    "langchain_openai": _langchain,
    "litellm": _litellm,
    "llama_index": _llama_index,
    "mcp": _mcp,
    "pydantic_ai": _pydantic_ai,
}


@pytest.mark.usefixtures("spans_despite_faults")
@pytest.mark.parametrize("ours", ["spanledger._tags.current", "spanledger._setup.destination"])
@pytest.mark.parametrize("package", ASKS)
def test_a_fault_of_ours_does_not_show(
    provider: Simulator, clients: Clients, monkeypatch: pytest.MonkeyPatch, package: str, ours: str
) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not in this environment")

    def fails(*_: Any) -> Any:
        raise RuntimeError(ours)

    monkeypatch.setattr(ours, fails)
    assert ASKS[package](provider, clients)
    assert _guard.faults
