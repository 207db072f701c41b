"""pydantic-ai: runs of agents and tools are structure, each turn of a model is the provider SDK's bill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, assert_same_on_the_wire, is_inside, one_bill_per_request, structure, told

import spanledger
from spanledger import semconv

pydantic_ai = pytest.importorskip("pydantic_ai")

from pydantic_ai import Agent, ModelRetry  # noqa: E402
from pydantic_ai.models.anthropic import AnthropicModel  # noqa: E402
from pydantic_ai.models.fallback import FallbackModel  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel  # noqa: E402
from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

REPLY = {"text": f"It is {CANARY}, and nobody else."}
CALL = {"tool": {"name": "look_up", "arguments": {"name": CANARY}}}


def gpt(clients: Clients, name: str = "gpt-4.1") -> OpenAIChatModel:
    return OpenAIChatModel(
        name, provider=OpenAIProvider(openai_client=clients.openai_async.with_options(max_retries=0))
    )


def agent(clients: Clients, model: Any = None, **options: Any) -> Agent[None, Any]:
    return Agent(model or gpt(clients), name="helper", instructions=CANARY, **options)


def with_a_tool(clients: Clients) -> Agent[None, Any]:
    made = agent(clients)

    @made.tool_plain
    def look_up(name: str) -> str:
        return f"{name} found"

    return made


def the_run(spans: Spans) -> ReadableSpan:
    (run,) = structure(spans, "invoke_agent")
    return run


def test_a_run_is_structure_around_one_bill(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([REPLY])
    assert asyncio.run(agent(clients).run(CANARY)).output == REPLY["text"]
    run = the_run(spans)
    assert told(run)[semconv.FRAMEWORK] == "pydantic-ai"
    assert told(run)[semconv.AGENT_NAME] == "helper"
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, run)
    assert told(paid)[semconv.USAGE_GRADE] == "measured"


def test_a_sync_run_too(provider: Simulator, clients: Clients, spans: Spans) -> None:
    agent(clients).run_sync(CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))


def test_another_providers_model_is_that_providers_bill(provider: Simulator, clients: Clients, spans: Spans) -> None:
    claude = AnthropicModel("claude-sonnet-5", provider=AnthropicProvider(anthropic_client=clients.anthropic_async))
    agent(clients, claude).run_sync(CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))
    assert told(paid)[semconv.PROVIDER_NAME] == "anthropic"


def test_each_turn_is_a_bill_and_each_tool_is_structure(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([CALL, REPLY])
    assert with_a_tool(clients).run_sync(CANARY).output == REPLY["text"]
    run = the_run(spans)
    (call,) = structure(spans, "execute_tool")
    assert told(call)[semconv.TOOL_NAME] == "look_up"
    assert is_inside(call, run)
    assert all(is_inside(paid, run) for paid in one_bill_per_request(spans, provider))
    assert len(provider.requests) == 2


def test_a_tool_that_asks_for_another_try_is_told_so(provider: Simulator, clients: Clients, spans: Spans) -> None:
    made = agent(clients)

    @made.tool_plain
    def look_up(name: str) -> str:
        raise ModelRetry(name)

    provider.script([CALL, REPLY])
    made.run_sync(CANARY)
    (call,) = structure(spans, "execute_tool")
    assert told(call)[semconv.ERROR_TYPE] == "ToolRetryError"
    assert CANARY not in spans.text()


def test_usage_summed_over_a_run_is_counted_nowhere(provider: Simulator, clients: Clients, spans: Spans) -> None:
    provider.script([CALL, REPLY])
    result = with_a_tool(clients).run_sync(CANARY)
    usage = result.usage() if callable(result.usage) else result.usage
    billed = one_bill_per_request(spans, provider)
    assert sum(told(paid)[semconv.USAGE_OUTPUT_TOKENS] for paid in billed) == usage.output_tokens
    assert semconv.USAGE_OUTPUT_TOKENS not in told(the_run(spans))


def test_a_streamed_run_is_one_bill(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def read() -> str:
        async with agent(clients).run_stream(CANARY) as stream:
            return str(await stream.get_output())

    provider.script([REPLY])
    assert asyncio.run(read()) == REPLY["text"]
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))
    assert told(paid)[semconv.OUTCOME] == "ok"


def test_a_stream_left_early_ends_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def leave() -> None:
        async with agent(clients).run_stream(CANARY) as stream:
            async for _ in stream.stream_text():
                break

    provider.script([{**REPLY, "chunks": 9, "chunk_delay": 0.02}])
    asyncio.run(leave())
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))
    assert told(paid)[semconv.OUTCOME] in ("abandoned", "cancelled")


def test_iter_gives_its_own_run_and_leaves_nothing_current(provider: Simulator, clients: Clients, spans: Spans) -> None:
    from opentelemetry import trace
    from pydantic_ai.run import AgentRun

    async def walk() -> None:
        async with agent(clients).iter(CANARY) as run:
            assert type(run) is AgentRun
            async for _ in run:
                pass
        assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(walk())
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))


def test_two_runs_at_once_keep_their_own_calls(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def both() -> None:
        made = agent(clients)
        await asyncio.gather(made.run(CANARY), made.run(CANARY))

    asyncio.run(both())
    runs = structure(spans, "invoke_agent")
    paid = one_bill_per_request(spans, provider)
    assert {bill.parent.span_id for bill in paid} == {run.context.span_id for run in runs}  # type: ignore[union-attr]


def test_an_error_is_the_same_and_told_on_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    from pydantic_ai.exceptions import ModelHTTPError

    provider.script([{"status": 400, "body": {"error": {"message": CANARY}}}])
    with pytest.raises(ModelHTTPError, match=CANARY) as raised:
        agent(clients).run_sync(CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    assert told(the_run(spans))[semconv.ERROR_TYPE] == type(raised.value).__name__
    assert told(paid)[semconv.OUTCOME] == "error"


def test_a_cancelled_run_ends_both(provider: Simulator, clients: Clients, spans: Spans) -> None:
    async def give_up() -> None:
        task = asyncio.ensure_future(agent(clients).run(CANARY))
        while not provider.requests:  # noqa: ASYNC110 - the simulator is in a thread of its own
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    provider.script([{"delay": 5.0}])
    asyncio.run(give_up())
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_run(spans))
    assert told(paid)[semconv.OUTCOME] == "cancelled"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_fallback_is_a_try_of_one_request(
    provider: Simulator, clients: Clients, spans: Spans, *, stream: bool
) -> None:
    model = FallbackModel(gpt(clients), gpt(clients, "gpt-4.1-mini"))

    async def read() -> None:
        async with agent(clients, model).run_stream(CANARY) as streamed:
            await streamed.get_output()

    provider.script([{"status": 500}, REPLY])
    asyncio.run(read()) if stream else agent(clients, model).run_sync(CANARY)
    (chain,) = structure(spans, "invoke_workflow")
    assert is_inside(chain, the_run(spans))
    assert all(is_inside(paid, chain) for paid in one_bill_per_request(spans, provider))
    assert told(chain)[semconv.TRY_MODELS] == ("gpt-4.1", "gpt-4.1-mini")
    assert told(chain)[semconv.TRY_OUTCOMES] == ("error", "ok")


@pytest.mark.usefixtures("spans")
def test_the_provider_is_asked_the_same(provider: Simulator, clients: Clients) -> None:
    assert_same_on_the_wire(provider, lambda: agent(clients).run_sync(CANARY))


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, clients: Clients, spans: Spans) -> None:
    spanledger.uninstrument()
    assert not hasattr(vars(Agent)["iter"], "_self_wrapper")
    with_a_tool(clients).run_sync(CANARY)
    assert not spans.all
