"""LangChain: its runs are structure, the provider SDKs' calls below them the bills."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.structure import CANARY, assert_same_on_the_wire, is_inside, one_bill_per_request, structure, told

import spanledger
from spanledger import semconv

core = pytest.importorskip("langchain_core")
openai = pytest.importorskip("langchain_openai")

from langchain_core.output_parsers import StrOutputParser  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402
from langchain_core.runnables import RunnableLambda, RunnableParallel  # noqa: E402
from langchain_core.tools import tool  # noqa: E402

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

REPLY = {"text": f"It is {CANARY}, and nobody else."}
PROMPT = ChatPromptTemplate.from_messages([("user", "Who is {name}?")])
ASKED = {"name": CANARY}
LOOP = asyncio.new_event_loop()  # LangChain keeps its HTTP client from one event loop to the next


def gpt(provider: Simulator, **options: Any) -> Any:
    asked: dict[str, Any] = {"model": "gpt-4.1", "api_key": "test", "max_retries": 0, **options}
    return openai.ChatOpenAI(base_url=provider.base_urls["openai"], stream_usage=True, **asked)


def claude(provider: Simulator) -> Any:
    anthropic = pytest.importorskip("langchain_anthropic")
    return anthropic.ChatAnthropic(model="claude-sonnet-5", base_url=provider.url, api_key="test", max_retries=0)


def chain(provider: Simulator) -> Any:
    return PROMPT | gpt(provider) | StrOutputParser()


def the_run(spans: Spans, operation: str = "invoke_workflow") -> ReadableSpan:
    (run,) = structure(spans, operation)
    return run


def assert_one_bill_inside(spans: Spans, provider: Simulator, run: ReadableSpan) -> dict[str, Any]:
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, run)
    return told(paid)


def test_a_chain_is_structure_around_one_bill(provider: Simulator, spans: Spans) -> None:
    provider.script([REPLY])
    assert chain(provider).invoke(ASKED) == REPLY["text"]
    run = the_run(spans)
    assert told(run)[semconv.FRAMEWORK] == "langchain"
    assert told(run)[semconv.WORKFLOW_NAME] == "RunnableSequence"
    bill = assert_one_bill_inside(spans, provider, run)
    assert bill[semconv.USAGE_GRADE] == "measured"
    assert bill[semconv.CODE_FILE] == __file__


def test_an_async_chain_too(provider: Simulator, spans: Spans) -> None:
    provider.script([REPLY])
    assert LOOP.run_until_complete(chain(provider).ainvoke(ASKED)) == REPLY["text"]
    assert_one_bill_inside(spans, provider, the_run(spans))


def test_another_providers_model_is_that_providers_bill(provider: Simulator, spans: Spans) -> None:
    (PROMPT | claude(provider)).invoke(ASKED)
    bill = assert_one_bill_inside(spans, provider, the_run(spans))
    assert bill[semconv.PROVIDER_NAME] == "anthropic"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_streamed_chain_is_one_bill_with_its_usage(provider: Simulator, spans: Spans, *, asynchronous: bool) -> None:
    async def read() -> str:
        return "".join([piece async for piece in chain(provider).astream(ASKED)])

    provider.script([REPLY])
    said = LOOP.run_until_complete(read()) if asynchronous else "".join(chain(provider).stream(ASKED))
    assert said == REPLY["text"]
    bill = assert_one_bill_inside(spans, provider, the_run(spans))
    assert bill[semconv.USAGE_GRADE] == "measured"


def test_a_chains_stream_left_early_ends_both(provider: Simulator, spans: Spans) -> None:
    provider.script([{**REPLY, "chunks": 9}])
    stream = chain(provider).stream(ASKED)
    next(stream)
    stream.close()  # LangChain reads the model's stream to its end all the same
    bill = assert_one_bill_inside(spans, provider, the_run(spans))
    assert bill[semconv.OUTCOME] == "ok"


def test_a_models_stream_left_early_is_told_so(provider: Simulator, spans: Spans) -> None:
    provider.script([{**REPLY, "chunks": 9, "chunk_delay": 0.01}])
    stream = gpt(provider).stream(CANARY)
    next(stream)
    stream.close()
    (paid,) = one_bill_per_request(spans, provider)
    assert told(paid)[semconv.OUTCOME] == "abandoned"


def test_a_model_alone_is_a_bill_without_structure(provider: Simulator, spans: Spans) -> None:
    gpt(provider).invoke(CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    assert paid.parent is None
    assert not structure(spans)


def test_runs_nest_as_langchain_nests_them(provider: Simulator, spans: Spans) -> None:
    inner = PROMPT | gpt(provider)
    outer = RunnableLambda(inner.invoke).with_config(run_name="outer")
    outer.invoke(ASKED)
    sequence, around = structure(spans)
    assert told(around)[semconv.WORKFLOW_NAME] == "outer"
    assert is_inside(sequence, around)
    assert_one_bill_inside(spans, provider, sequence)


def test_branches_in_threads_keep_their_parent(provider: Simulator, spans: Spans) -> None:
    RunnableParallel(a=chain(provider), b=chain(provider)).invoke(ASKED)
    *sequences, parallel = structure(spans)
    assert all(is_inside(sequence, parallel) for sequence in sequences)
    paid = one_bill_per_request(spans, provider)
    assert {bill.parent.span_id for bill in paid} == {sequence.context.span_id for sequence in sequences}  # type: ignore[union-attr]


def test_under_the_applications_own_span(provider: Simulator, spans: Spans) -> None:
    with spans.provider.get_tracer("app").start_as_current_span("request"):
        chain(provider).invoke(ASKED)
    run = the_run(spans)
    (request,) = [span for span in spans.all if span.name == "request"]
    assert is_inside(run, request)
    assert_one_bill_inside(spans, provider, run)


def test_a_conversation_kept_by_its_thread_is_told(provider: Simulator, spans: Spans) -> None:
    chain(provider).invoke(ASKED, {"metadata": {"thread_id": "t-1"}})
    assert told(the_run(spans))[semconv.CONVERSATION_ID] == "t-1"


def test_a_tool_is_structure_with_its_name_only(provider: Simulator, spans: Spans) -> None:
    @tool
    def look_up(name: str) -> str:
        """Look a person up."""
        return str(gpt(provider).invoke(name).content)

    provider.script([REPLY])
    assert look_up.invoke(ASKED) == REPLY["text"]
    run = the_run(spans, "execute_tool")
    assert told(run)[semconv.TOOL_NAME] == "look_up"
    assert_one_bill_inside(spans, provider, run)


def test_a_failing_tool_raises_the_same_and_is_told(spans: Spans) -> None:
    error = ValueError(CANARY)

    @tool
    def fail(name: str) -> str:
        """Fail."""
        raise error

    with pytest.raises(ValueError, match=CANARY) as raised:
        fail.invoke(ASKED)
    assert raised.value is error
    assert told(the_run(spans, "execute_tool"))[semconv.ERROR_TYPE] == "ValueError"
    assert CANARY not in spans.text()


def test_a_retriever_is_structure(spans: Spans) -> None:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            return [Document(page_content=query)]

    assert Shelf().invoke(CANARY)[0].page_content == CANARY
    the_run(spans, "retrieval")
    assert CANARY not in spans.text()


def test_a_providers_error_is_the_same_and_told_on_both(provider: Simulator, spans: Spans) -> None:
    import openai as sdk

    provider.script([{"status": 400, "body": {"error": {"message": CANARY}}}])
    with pytest.raises(sdk.BadRequestError, match=CANARY) as raised:
        chain(provider).invoke(ASKED)
    run = the_run(spans)
    assert told(run)[semconv.ERROR_TYPE] == type(raised.value).__name__
    assert assert_one_bill_inside(spans, provider, run)[semconv.OUTCOME] == "error"


def test_a_cancelled_chain_ends_both(provider: Simulator, spans: Spans) -> None:
    async def give_up() -> None:
        task = asyncio.ensure_future(chain(provider).ainvoke(ASKED))
        while not provider.requests:  # noqa: ASYNC110 - the simulator is in a thread of its own
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    provider.script([{"delay": 5.0}])
    LOOP.run_until_complete(give_up())
    run = the_run(spans)
    assert told(run)[semconv.ERROR_TYPE] == "CancelledError"
    assert assert_one_bill_inside(spans, provider, run)[semconv.OUTCOME] == "cancelled"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_fallback_is_a_try_of_one_run(provider: Simulator, spans: Spans, *, asynchronous: bool) -> None:
    both = gpt(provider).with_fallbacks([gpt(provider, model="gpt-4.1-mini")])
    provider.script([{"status": 500}, REPLY])
    reply = LOOP.run_until_complete(both.ainvoke(CANARY)) if asynchronous else both.invoke(CANARY)
    assert reply.content == REPLY["text"]
    run = the_run(spans)
    assert all(is_inside(bill, run) for bill in one_bill_per_request(spans, provider))
    assert told(run)[semconv.TRY_MODELS] == ("gpt-4.1", "gpt-4.1-mini")
    assert told(run)[semconv.TRY_OUTCOMES] == ("error", "ok")
    failed, fine = told(run)[semconv.TRY_ERRORS]
    assert failed.endswith("Error")
    assert fine == ""


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_hit_of_its_cache_is_no_bill_and_tells_what_it_saved(
    provider: Simulator, spans: Spans, *, asynchronous: bool
) -> None:
    from langchain_core.caches import InMemoryCache

    model = gpt(provider, cache=InMemoryCache())
    for _ in range(2):
        LOOP.run_until_complete(model.ainvoke(CANARY)) if asynchronous else model.invoke(CANARY)
    (paid,) = one_bill_per_request(spans, provider)
    (hit,) = structure(spans)
    assert told(hit)[semconv.CACHE_HIT] is True
    assert told(hit)[semconv.PROVIDER_NAME] == "openai"
    assert told(hit)[semconv.REQUEST_MODEL] == "gpt-4.1"
    saved = told(hit)[semconv.CACHE_SAVED_PREFIX + "output_tokens"]
    assert saved == told(paid)[semconv.USAGE_OUTPUT_TOKENS]


def test_an_ignored_chain_leaves_nothing(provider: Simulator, spans: Spans) -> None:
    with spanledger.ignore():
        chain(provider).invoke(ASKED)
    assert not spans.all


@pytest.mark.usefixtures("spans")
def test_the_provider_is_asked_the_same(provider: Simulator) -> None:
    assert_same_on_the_wire(provider, lambda: chain(provider).invoke(ASKED))


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, spans: Spans) -> None:
    from langchain_core.callbacks import manager

    spanledger.uninstrument()
    for owner in (manager.CallbackManager, manager.CallbackManagerForChainRun):
        assert not [name for name, value in vars(owner).items() if hasattr(value, "_self_wrapper")]
    chain(provider).invoke(ASKED)
    assert not spans.all
