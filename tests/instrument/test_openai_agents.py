"""openai-agents: its workflows, agents and tools are structure, each turn is the openai SDK's bill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, assert_same_on_the_wire, is_inside, one_bill_per_request, structure, told

import spanledger
from spanledger import semconv

agents = pytest.importorskip("agents")

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

REPLY = {"text": f"It is {CANARY}, and nobody else."}
CALL = {"tool": {"name": "look_up", "arguments": {"name": CANARY}}}


@pytest.fixture(autouse=True, params=[False, True], ids=["traced", "untraced"])
def _their_tracing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Theirs goes nowhere here, disabled or not."""
    agents.set_trace_processors([])
    agents.set_tracing_disabled(request.param)
    yield
    agents.set_tracing_disabled(False)


@function_tool
def look_up(name: str) -> str:
    return f"{name} found"


@function_tool
def fail(name: str) -> str:
    raise ValueError(name)


def helper(clients: Clients, *, responses: bool = False, **options: Any) -> Agent[Any]:
    kind = OpenAIResponsesModel if responses else OpenAIChatCompletionsModel
    model = kind("gpt-4.1", clients.openai_async.with_options(max_retries=0))
    return Agent(name="helper", instructions=CANARY, model=model, **options)


def run(agent: Agent[Any]) -> Any:
    return asyncio.run(Runner.run(agent, CANARY))


def the_agent(spans: Spans) -> ReadableSpan:
    (agent,) = structure(spans, "invoke_agent")
    return agent


@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_a_run_is_structure_around_one_bill(
    provider: Simulator, clients: Clients, spans: Spans, *, responses: bool
) -> None:
    provider.script([REPLY])
    assert run(helper(clients, responses=responses)).final_output == REPLY["text"]
    agent = the_agent(spans)
    assert told(agent)[semconv.FRAMEWORK] == "openai-agents"
    assert told(agent)[semconv.AGENT_NAME] == "helper"
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, agent)
    assert told(paid)[semconv.USAGE_GRADE] == "measured"


def test_a_sync_run_too(provider: Simulator, clients: Clients, spans: Spans) -> None:
    Runner.run_sync(helper(clients), CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_agent(spans))


def test_each_turn_is_a_bill_and_each_tool_is_structure(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([CALL, REPLY])
    run(helper(clients, tools=[look_up]))
    agent = the_agent(spans)
    (tool,) = structure(spans, "execute_tool")
    assert told(tool)[semconv.TOOL_NAME] == "look_up"
    assert is_inside(tool, agent)
    paid = one_bill_per_request(spans, provider)
    assert len(paid) == 2
    assert all(is_inside(bill, agent) for bill in paid)


def test_runs_of_one_trace_are_one_workflow(
    provider: Simulator, clients: Clients, spans: Spans, request: pytest.FixtureRequest
) -> None:
    async def research() -> None:
        with agents.trace("research"):
            await Runner.run(helper(clients), CANARY)
            await Runner.run(helper(clients), CANARY)

    asyncio.run(research())
    workflows = structure(spans, "invoke_workflow")
    if "untraced" in request.node.name:
        assert not workflows  # the SDK keeps no name of what it does not trace
        return
    (workflow,) = workflows
    assert told(workflow)[semconv.WORKFLOW_NAME] == "research"
    assert all(is_inside(agent, workflow) for agent in structure(spans, "invoke_agent"))


def test_a_handoff_is_told_with_its_target(provider: Simulator, clients: Clients, spans: Spans) -> None:
    other = helper(clients).clone(name="other")
    provider.script([{"tool": {"name": "transfer_to_other", "arguments": {}}}, REPLY])
    run(helper(clients, handoffs=[other]))
    assert {told(span)[semconv.AGENT_NAME] for span in structure(spans, "invoke_agent")} == {"helper", "other"}
    (handoff,) = structure(spans, "handoff")
    assert told(handoff)[semconv.AGENT_NAME] == "other"
    one_bill_per_request(spans, provider)


def test_a_streamed_run_is_one_bill(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def read() -> str:
        result = Runner.run_streamed(helper(clients), CANARY)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)

    provider.script([REPLY])
    assert asyncio.run(read()) == REPLY["text"]
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_agent(spans))
    assert told(paid)[semconv.OUTCOME] == "ok"


def test_a_stream_left_early_ends_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def leave() -> None:
        result = Runner.run_streamed(helper(clients), CANARY)
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                break
        result.cancel()
        await asyncio.sleep(0.1)

    provider.script([{**REPLY, "chunks": 9, "chunk_delay": 0.2}])
    asyncio.run(leave())
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_agent(spans))
    assert told(paid)[semconv.OUTCOME] in ("abandoned", "cancelled")


def test_an_error_is_the_same_and_told_on_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    import openai

    provider.script([{"status": 400, "body": {"error": {"message": CANARY}}}])
    with pytest.raises(openai.BadRequestError, match=CANARY):
        run(helper(clients))
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_agent(spans))
    assert told(paid)[semconv.OUTCOME] == "error"


def test_a_failing_tool_is_told_without_its_words(
    provider: Simulator, clients: Clients, spans: Spans, request: pytest.FixtureRequest
) -> None:
    provider.script([{"tool": {"name": "fail", "arguments": {"name": CANARY}}}, REPLY])
    run(helper(clients, tools=[fail]))
    (tool,) = structure(spans, "execute_tool")
    if "untraced" not in request.node.name:  # what is not traced keeps no errors
        assert told(tool)[semconv.ERROR_TYPE] == "_OTHER"
    assert CANARY not in spans.text()


def test_a_cancelled_run_ends_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def give_up() -> None:
        task = asyncio.ensure_future(Runner.run(helper(clients), CANARY))
        while not provider.requests:  # noqa: ASYNC110 - the simulator is in a thread of its own
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    provider.script([{"delay": 5.0}])
    asyncio.run(give_up())
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_agent(spans))
    assert told(paid)[semconv.OUTCOME] == "cancelled"


def test_two_runs_at_once_keep_their_own_calls(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def both() -> None:
        agent = helper(clients)
        await asyncio.gather(Runner.run(agent, CANARY), Runner.run(agent, CANARY))

    asyncio.run(both())
    paid = one_bill_per_request(spans, provider)
    ids = {agent.context.span_id for agent in structure(spans, "invoke_agent")}  # type: ignore[union-attr]
    assert {bill.parent.span_id for bill in paid} == ids  # type: ignore[union-attr]


@pytest.mark.usefixtures("spans")
def test_the_provider_is_asked_the_same(provider: Simulator, clients: Clients) -> None:
    assert_same_on_the_wire(provider, lambda: Runner.run_sync(helper(clients), CANARY))


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, clients: Clients, spans: Spans) -> None:
    from agents.tracing.spans import NoOpSpan, SpanImpl

    spanledger.uninstrument()
    for owner in (SpanImpl, NoOpSpan):
        assert not [name for name, value in vars(owner).items() if hasattr(value, "_self_wrapper")]
    run(helper(clients))
    assert not spans.all
