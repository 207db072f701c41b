"""litellm: the SDK's call below it is the bill, or its own where it sends by itself; never both, never none."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.litellm_calls import BOTH, CLAUDE, GPT, MESSAGES, REPLY, assert_whole, at, the_bill
from tests.support.structure import (
    CANARY,
    assert_same_on_the_wire,
)

import spanledger
from spanledger import semconv

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import asks the network
litellm = pytest.importorskip("litellm")
from litellm import acompletion, completion  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

if TYPE_CHECKING:
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "suppress_debug_info", True)


@BOTH
def test_one_call_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    provider.script([REPLY])
    assert completion(messages=MESSAGES, **at(provider, model)).choices[0].message.content == REPLY["text"]
    assert_whole(the_bill(spans, provider), model, __file__)


@BOTH
def test_the_async_twin_is_not_billed_twice_though_it_runs_the_sync_one(
    provider: Simulator, spans: Spans, model: str
) -> None:
    asyncio.run(acompletion(messages=MESSAGES, **at(provider, model)))
    assert_whole(the_bill(spans, provider), model, __file__)


@BOTH
def test_a_stream_stays_litellms_own_and_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    provider.script([REPLY])
    stream = completion(messages=MESSAGES, **asked, **at(provider, model))
    assert type(stream) is litellm.CustomStreamWrapper
    assert "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices) == REPLY["text"]
    bill = the_bill(spans, provider)
    assert_whole(bill, model, __file__)
    assert bill[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


@BOTH
def test_an_async_stream_is_one_bill(provider: Simulator, spans: Spans, model: str) -> None:
    async def read() -> None:
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        async for _ in await acompletion(messages=MESSAGES, **asked, **at(provider, model)):
            pass

    asyncio.run(read())
    assert_whole(the_bill(spans, provider), model, __file__)


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
