"""llama-index: agents, engines, retrievers and tools are structure, each call of a model is the SDK's bill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, assert_same_on_the_wire, is_inside, one_bill_per_request, structure, told

import spanledger
from spanledger import semconv

pytest.importorskip("llama_index.core")
models = pytest.importorskip("llama_index.llms.openai")

from llama_index.core import Document, MockEmbedding, VectorStoreIndex  # noqa: E402
from llama_index.core.agent.workflow import FunctionAgent  # noqa: E402
from llama_index.core.tools import FunctionTool  # noqa: E402

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

REPLY = {"text": f"It is {CANARY}, and nobody else."}
CALL = {"tool": {"name": "look_up", "arguments": {"name": CANARY}}}


def look_up(name: str) -> str:
    """Look a person up."""
    return f"{name} found"


def gpt(provider: Simulator) -> Any:
    return models.OpenAI(model="gpt-4.1", api_base=provider.base_urls["openai"], api_key="test", max_retries=0)


def engine(provider: Simulator, **options: Any) -> Any:
    index = VectorStoreIndex.from_documents([Document(text=CANARY)], embed_model=MockEmbedding(embed_dim=3))
    return index.as_query_engine(llm=gpt(provider), **options)


def agent(provider: Simulator) -> FunctionAgent:
    return FunctionAgent(tools=[FunctionTool.from_defaults(look_up)], llm=gpt(provider), name="helper")


async def run(provider: Simulator) -> Any:
    return await agent(provider).run(CANARY)


def the_span(spans: Spans, operation: str) -> ReadableSpan:
    (found,) = structure(spans, operation)
    return found


def test_a_query_is_structure_around_retrieval_and_one_bill(provider: Simulator, spans: Spans) -> None:
    provider.script([REPLY])
    assert str(engine(provider).query(CANARY)) == REPLY["text"]
    query = the_span(spans, "invoke_workflow")
    assert told(query)[semconv.WORKFLOW_NAME] == "RetrieverQueryEngine"
    assert is_inside(the_span(spans, "retrieval"), query)
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, query)
    assert told(paid)[semconv.USAGE_GRADE] == "measured"
    assert told(paid)[semconv.CODE_FILE] == __file__


def test_an_async_query_too(provider: Simulator, spans: Spans) -> None:
    asyncio.run(engine(provider).aquery(CANARY))
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, the_span(spans, "invoke_workflow"))


def test_a_streamed_query_is_one_bill(provider: Simulator, spans: Spans) -> None:
    provider.script([REPLY])
    reply = engine(provider, streaming=True).query(CANARY)
    assert "".join(reply.response_gen) == REPLY["text"]
    (paid,) = one_bill_per_request(spans, provider)
    assert told(paid)[semconv.OUTCOME] == "ok"


def test_a_model_alone_is_a_bill_without_structure(provider: Simulator, spans: Spans) -> None:
    gpt(provider).complete(CANARY)
    one_bill_per_request(spans, provider)
    assert not structure(spans)


def test_an_agents_turns_are_bills_and_its_tools_structure(provider: Simulator, spans: Spans) -> None:
    provider.script([CALL, REPLY])
    assert str(asyncio.run(run(provider))) == REPLY["text"]
    whole = the_span(spans, "invoke_agent")
    assert told(whole)[semconv.AGENT_NAME] == "helper"
    tool = the_span(spans, "execute_tool")
    assert told(tool)[semconv.TOOL_NAME] == "look_up"
    assert is_inside(tool, whole)
    paid = one_bill_per_request(spans, provider)
    assert len(paid) == 2
    assert all(is_inside(bill, whole) for bill in paid)


def test_two_runs_at_once_keep_their_own_calls(provider: Simulator, spans: Spans) -> None:
    async def both() -> None:
        await asyncio.gather(run(provider), run(provider))

    asyncio.run(both())
    paid = one_bill_per_request(spans, provider)
    ids = {span.context.span_id for span in structure(spans, "invoke_agent")}  # type: ignore[union-attr]
    assert {bill.parent.span_id for bill in paid} == ids  # type: ignore[union-attr]


def test_an_error_is_the_same_and_told_on_both(provider: Simulator, spans: Spans) -> None:
    import openai

    provider.script([{"status": 400, "body": {"error": {"message": CANARY}}}])
    with pytest.raises(openai.BadRequestError, match=CANARY):
        engine(provider).query(CANARY)
    query = the_span(spans, "invoke_workflow")
    assert told(query)[semconv.ERROR_TYPE] == "BadRequestError"
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, query)


def test_a_cancelled_run_ends_both(provider: Simulator, spans: Spans) -> None:
    async def give_up() -> None:
        handler = agent(provider).run(CANARY)
        while not provider.requests:  # noqa: ASYNC110 - the simulator is in a thread of its own
            await asyncio.sleep(0.01)
        await handler.cancel_run()
        with pytest.raises(BaseException, match=r".*"):
            await handler

    provider.script([{"delay": 5.0}])
    asyncio.run(give_up())
    (paid,) = one_bill_per_request(spans, provider)
    assert told(paid)[semconv.OUTCOME] == "cancelled"
    assert is_inside(paid, the_span(spans, "invoke_agent"))


@pytest.mark.usefixtures("spans")
def test_the_provider_is_asked_the_same(provider: Simulator) -> None:
    asked = engine(provider)
    assert_same_on_the_wire(provider, lambda: asked.query(CANARY))


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, spans: Spans) -> None:
    from llama_index_instrumentation.dispatcher import Dispatcher

    spanledger.uninstrument()
    assert not hasattr(vars(Dispatcher)["span_enter"], "_self_wrapper")
    engine(provider).query(CANARY)
    assert not spans.all
