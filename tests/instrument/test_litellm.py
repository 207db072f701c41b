"""litellm: the SDK's call below it is the bill, or its own where it sends by itself; never both, never none."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from tests.support.structure import (
    CANARY,
    assert_same_on_the_wire,
    bills,
    is_inside,
    one_bill_per_request,
    structure,
    told,
)

import spanledger
from spanledger import semconv

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import asks the network
litellm = pytest.importorskip("litellm")
from litellm import acompletion, completion  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

MESSAGES = [{"role": "user", "content": f"Who is {CANARY}?"}]
REPLY = {"text": f"It is {CANARY}, I think, and nobody else at all."}
GPT, CLAUDE = "openai/gpt-4.1", "anthropic/claude-sonnet-5"
BOTH = pytest.mark.parametrize("model", [GPT, CLAUDE])


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "suppress_debug_info", True)


def at(provider: Simulator, model: str) -> dict[str, Any]:
    base = provider.base_urls["openai" if model.startswith("openai") else model.partition("/")[0]]
    return {"model": model, "api_base": base, "api_key": "test"}


def the_bill(spans: Spans, provider: Simulator) -> dict[str, Any]:
    (paid,) = one_bill_per_request(spans, provider)
    return told(paid)


def assert_whole(bill: dict[str, Any], model: str) -> None:
    provider, _, name = model.partition("/")
    assert bill[semconv.PROVIDER_NAME] == provider
    assert bill[semconv.REQUEST_MODEL] == name
    assert bill[semconv.OUTCOME] == "ok"
    assert bill[semconv.USAGE_GRADE] == "measured"
    assert bill[semconv.USAGE_OUTPUT_TOKENS] > 0
    assert bill[semconv.CODE_FILE] == __file__


@BOTH
def test_one_call_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    provider.script([REPLY])
    assert completion(messages=MESSAGES, **at(provider, model)).choices[0].message.content == REPLY["text"]
    assert_whole(the_bill(spans, provider), model)


@BOTH
def test_the_async_twin_is_not_billed_twice_though_it_runs_the_sync_one(
    provider: Simulator, spans: Spans, model: str
) -> None:
    asyncio.run(acompletion(messages=MESSAGES, **at(provider, model)))
    assert_whole(the_bill(spans, provider), model)


@BOTH
def test_a_stream_stays_litellms_own_and_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    provider.script([REPLY])
    stream = completion(messages=MESSAGES, **asked, **at(provider, model))
    assert type(stream) is litellm.CustomStreamWrapper
    assert "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices) == REPLY["text"]
    bill = the_bill(spans, provider)
    assert_whole(bill, model)
    assert bill[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


@BOTH
def test_an_async_stream_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    async def read() -> None:
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        async for _ in await acompletion(messages=MESSAGES, **asked, **at(provider, model)):
            pass

    asyncio.run(read())
    assert_whole(the_bill(spans, provider), model)


def test_an_estimate_of_litellms_is_not_taken_for_the_providers_count(provider: Simulator, spans: Spans) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    silent = {"model": GPT, "api_base": provider.base_urls["compatible-without-usage"], "api_key": "test"}
    *_, last = completion(messages=MESSAGES, **asked, **silent)
    assert last.usage.completion_tokens > 0  # counted by litellm itself
    bill = the_bill(spans, provider)
    assert bill[semconv.USAGE_GRADE] == "absent"
    assert semconv.USAGE_OUTPUT_TOKENS not in bill


@pytest.mark.parametrize("leave", ["aclose", "drop"])
def test_a_stream_left_early_is_told_so(provider: Simulator, spans: Spans, leave: str) -> None:
    async def read() -> None:
        stream = await acompletion(messages=MESSAGES, stream=True, **at(provider, CLAUDE))
        async for _ in stream:
            break
        if leave == "aclose":
            await stream.aclose()
        del stream
        gc.collect()

    asyncio.run(read())
    assert the_bill(spans, provider)[semconv.OUTCOME] == "abandoned"


def test_a_stream_cut_off_is_an_error_with_what_was_counted_so_far(provider: Simulator, spans: Spans) -> None:
    provider.script([{**REPLY, "drop_after_chunks": 1}])
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        list(completion(messages=MESSAGES, stream=True, **at(provider, CLAUDE)))
    bill = the_bill(spans, provider)
    assert bill[semconv.OUTCOME] == "error"
    assert bill[semconv.USAGE_GRADE] == "partial"


def test_a_cancelled_call_is_told_so(provider: Simulator, spans: Spans) -> None:
    async def give_up() -> None:
        task = asyncio.ensure_future(acompletion(messages=MESSAGES, **at(provider, CLAUDE)))
        while not provider.requests:  # noqa: ASYNC110 - the simulator is in a thread of its own
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    provider.script([{"delay": 5.0}])
    asyncio.run(give_up())
    assert the_bill(spans, provider)[semconv.OUTCOME] == "cancelled"


def test_a_stream_cancelled_on_the_way_is_told_so(provider: Simulator, spans: Spans) -> None:
    async def read() -> None:
        async for _ in await acompletion(messages=MESSAGES, stream=True, **at(provider, CLAUDE)):
            first.set()

    async def give_up() -> None:
        task = asyncio.ensure_future(read())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    first = asyncio.Event()
    provider.script([{**REPLY, "chunks": 9, "chunk_delay": 0.5}])
    asyncio.run(give_up())
    bill = the_bill(spans, provider)
    assert bill[semconv.OUTCOME] == "cancelled"
    assert bill[semconv.USAGE_GRADE] == "partial"


@BOTH
def test_an_error_is_the_same_and_one_failed_bill(provider: Simulator, spans: Spans, model: str) -> None:
    provider.script([{"status": 429, "body": {"error": {"type": "limit", "message": CANARY}}}])
    with pytest.raises(litellm.RateLimitError, match=CANARY):
        completion(messages=MESSAGES, max_retries=0, **at(provider, model))
    bill = the_bill(spans, provider)
    assert bill[semconv.OUTCOME] == "error"
    assert bill[semconv.HTTP_STATUS] == 429


def test_what_never_went_out_is_no_bill(provider: Simulator, spans: Spans) -> None:
    with pytest.raises(litellm.BadRequestError):
        completion("of-no-provider", MESSAGES)
    completion(GPT, MESSAGES, mock_response=CANARY)
    assert not spans.all
    assert not provider.requests


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@BOTH
def test_responses_are_one_bill_whoever_makes_them(
    provider: Simulator, spans: Spans, model: str, *, stream: bool, asynchronous: bool
) -> None:
    asked = {"input": CANARY, "stream": stream, **at(provider, model)}

    async def ask() -> None:
        reply = await litellm.aresponses(**asked)
        if stream:
            async for _ in reply:
                pass

    if asynchronous:
        asyncio.run(ask())
    else:
        reply = litellm.responses(**asked)
        list(reply) if stream else None
    assert_whole(the_bill(spans, provider), model)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_anthropic_messages_are_one_bill(provider: Simulator, spans: Spans, *, stream: bool) -> None:
    async def ask() -> None:
        reply = await litellm.anthropic_messages(messages=MESSAGES, max_tokens=9, stream=stream, **at(provider, CLAUDE))
        if stream:
            assert b"message_stop" in b"".join([part async for part in reply])

    asyncio.run(ask())
    assert_whole(the_bill(spans, provider), CLAUDE)


MADE = {
    "embedding": ("openai/text-embedding-3-small", {"input": [CANARY]}, "embeddings"),
    "image_generation": ("openai/gpt-image-1", {"prompt": CANARY}, "image_generation"),
    "rerank": ("cohere/rerank-v3.5", {"query": CANARY, "documents": [CANARY, "b"]}, "rerank"),
    "speech": ("openai/tts-1", {"input": CANARY, "voice": "alloy"}, "speech"),
    "text_completion": ("openai/gpt-3.5-turbo-instruct", {"prompt": CANARY}, "text_completion"),
}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", MADE)
def test_what_else_is_sold_is_one_bill(provider: Simulator, spans: Spans, name: str, *, asynchronous: bool) -> None:
    model, asked, operation = MADE[name]
    if asynchronous:
        asyncio.run(getattr(litellm, f"a{name}")(**asked, **at(provider, model)))
    else:
        getattr(litellm, name)(**asked, **at(provider, model))
    bill = the_bill(spans, provider)
    assert bill[semconv.OPERATION_NAME] == operation
    assert bill[semconv.REQUEST_MODEL] == model.partition("/")[2]


class AskAgain(litellm.integrations.custom_logger.CustomLogger):  # type: ignore[misc]
    """What litellm's own loops over tools do: another call inside the one that is under way."""

    def __init__(self, again: dict[str, Any]) -> None:
        super().__init__()
        self.again = again

    async def async_should_run_agentic_loop(self, response: Any, **_: Any) -> tuple[bool, dict[str, Any]]:
        return response.choices[0].message.content == "again", {}

    async def async_run_agentic_loop(self, **_: Any) -> Any:
        return await acompletion(**self.again)


@BOTH
def test_a_call_made_inside_another_is_a_bill_of_its_own(
    provider: Simulator, spans: Spans, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    asked = {"messages": MESSAGES, **at(provider, model)}
    monkeypatch.setattr(litellm, "callbacks", [AskAgain(asked)])
    provider.script([{"text": "again"}, REPLY])
    assert asyncio.run(acompletion(**asked)).choices[0].message.content == REPLY["text"]
    first, second = one_bill_per_request(spans, provider)
    assert told(second)[semconv.USAGE_GRADE] == "measured"
    assert told(first)[semconv.OUTCOME] == "ok"
    assert told(first).get(semconv.USAGE_OUTPUT_TOKENS) != told(second)[semconv.USAGE_OUTPUT_TOKENS]


class Person(pydantic.BaseModel):
    name: str


def assert_judged(said: str, spans: Spans, provider: Simulator) -> None:
    assert semconv.VALIDATION_OUTCOME not in the_bill(spans, provider)
    Person.model_validate_json(said)
    (judgement,) = [span for span in spans.all if span.name == "spanledger.validation"]
    assert told(judgement)[semconv.VALIDATION_OUTCOME] == "ok"
    assert is_inside(judgement, bills(spans)[0])


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@BOTH
def test_a_reply_is_judged_where_the_application_validates_it(
    provider: Simulator, spans: Spans, model: str, *, asynchronous: bool
) -> None:
    provider.script([{"text": f'{{"name": "{CANARY}{model}{asynchronous}"}}'}])
    asked = {"messages": MESSAGES, "response_format": Person, **at(provider, model)}
    reply = asyncio.run(acompletion(**asked)) if asynchronous else completion(**asked)
    assert_judged(reply.choices[0].message.content, spans, provider)


def test_a_streamed_reply_is_judged_too(provider: Simulator, spans: Spans) -> None:
    provider.script([{"text": f'{{"name": "{CANARY} streamed"}}'}])
    pieces = completion(messages=MESSAGES, stream=True, response_format=Person, **at(provider, CLAUDE))
    assert_judged("".join(piece.choices[0].delta.content or "" for piece in pieces), spans, provider)


def test_questions_asked_on_the_way_are_no_attempts(provider: Simulator, spans: Spans) -> None:
    completion("ollama_chat/llama3.2", MESSAGES, api_base=provider.base_urls["ollama"])
    assert the_bill(spans, provider)[semconv.ATTEMPTS] == 1


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "cache", litellm.Cache())


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_hit_of_its_cache_is_no_bill_and_tells_what_it_saved(
    provider: Simulator, spans: Spans, *, stream: bool, asynchronous: bool
) -> None:
    asked = {"messages": MESSAGES, "stream": stream, **at(provider, CLAUDE)}

    async def ask() -> None:
        reply = await acompletion(**asked)
        if stream:
            async for _ in reply:
                pass
            await asyncio.sleep(0.1)  # litellm fills its cache in a task of its own

    for _ in range(2):
        if asynchronous:
            asyncio.run(ask())
        else:
            list(completion(**asked)) if stream else completion(**asked)
    paid = the_bill(spans, provider)
    (hit,) = structure(spans)
    assert told(hit)[semconv.CACHE_HIT] is True
    assert told(hit)[semconv.REQUEST_MODEL] == "claude-sonnet-5"
    assert told(hit)[semconv.PROVIDER_NAME] == "anthropic"
    assert told(hit)[semconv.CACHE_SAVED_PREFIX + "output_tokens"] == paid[semconv.USAGE_OUTPUT_TOKENS]


@pytest.mark.usefixtures("cache")
def test_embeddings_found_one_by_one_are_a_hit(provider: Simulator, spans: Spans) -> None:
    asked = {"input": [CANARY, "b"], **at(provider, "openai/text-embedding-3-small")}
    for _ in range(2):
        asyncio.run(litellm.aembedding(**asked))
    the_bill(spans, provider)
    (hit,) = structure(spans, "embeddings")
    assert told(hit)[semconv.CACHE_HIT] is True


def router(provider: Simulator) -> Any:
    def group(name: str, model: str) -> dict[str, Any]:
        return {"model_name": name, "litellm_params": at(provider, model)}

    groups = [group("big", GPT), group("small", CLAUDE)]
    return litellm.Router(model_list=groups, fallbacks=[{"big": ["small"]}], num_retries=1, retry_after=0)


def assert_fell_back(spans: Spans, provider: Simulator) -> ReadableSpan:
    (request,) = structure(spans)
    assert all(is_inside(paid, request) for paid in one_bill_per_request(spans, provider))
    assert told(request)[semconv.TRY_MODELS] == ("big", "big", "small")
    assert told(request)[semconv.TRY_OUTCOMES] == ("error", "error", "ok")
    assert told(request)[semconv.TRY_ERRORS] == ("InternalServerError", "InternalServerError", "")
    return request


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_the_routers_retries_and_fallbacks_are_tries_of_one_request(
    provider: Simulator, spans: Spans, *, asynchronous: bool
) -> None:
    provider.script([{"status": 500}, {"status": 500}, REPLY])
    if asynchronous:
        asyncio.run(router(provider).acompletion("big", MESSAGES))
    else:
        router(provider).completion("big", MESSAGES)
    assert_fell_back(spans, provider)
    assert [told(bill)[semconv.OUTCOME] for bill in bills(spans)] == ["error", "error", "ok"]


def test_two_requests_to_a_router_are_two(provider: Simulator, spans: Spans) -> None:
    asked = router(provider)
    for _ in range(2):
        asked.completion("small", MESSAGES)
    assert len(structure(spans)) == len(one_bill_per_request(spans, provider)) == 2


def test_a_routed_stream_is_one_bill_inside_its_request(provider: Simulator, spans: Spans) -> None:
    async def read() -> None:
        async for _ in await router(provider).acompletion("small", MESSAGES, stream=True):
            pass

    asyncio.run(read())
    (request,) = structure(spans)
    (paid,) = one_bill_per_request(spans, provider)
    assert is_inside(paid, request)


def test_fallbacks_of_one_completion_are_bills_of_their_own(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 500}, REPLY])
    completion(messages=MESSAGES, max_retries=0, fallbacks=[at(provider, CLAUDE)], **at(provider, GPT))
    (request,) = structure(spans)
    failed, paid = one_bill_per_request(spans, provider)
    assert is_inside(failed, request)
    assert is_inside(paid, request)
    assert told(paid)[semconv.REQUEST_MODEL] == "claude-sonnet-5"


def test_retries_of_litellms_own_are_calls_with_their_own_outcome(provider: Simulator, spans: Spans) -> None:
    provider.script([{"status": 500}, REPLY])
    completion(messages=MESSAGES, num_retries=1, **at(provider, CLAUDE))
    assert [told(bill)[semconv.OUTCOME] for bill in one_bill_per_request(spans, provider)] == ["error", "ok"]


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@BOTH
def test_the_provider_is_asked_the_same(provider: Simulator, model: str, *, stream: bool) -> None:
    asked = {"messages": MESSAGES, "stream": stream, **at(provider, model)}
    assert_same_on_the_wire(provider, lambda: list(completion(**asked)))


def test_without_instrumentation_it_is_as_it_was(provider: Simulator, spans: Spans) -> None:
    def original() -> Any:
        function = litellm.main.completion
        return dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))["original_function"]

    assert original().cell_contents.__class__.__name__ == "function"  # as wrapt's wrapper says of itself
    assert hasattr(original().cell_contents, "_self_wrapper")
    spanledger.uninstrument()
    assert not hasattr(original().cell_contents, "_self_wrapper")
    completion(messages=MESSAGES, **at(provider, CLAUDE))
    list(completion(messages=MESSAGES, stream=True, **at(provider, CLAUDE)))
    assert not spans.all
