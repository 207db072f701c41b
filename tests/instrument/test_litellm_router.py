"""litellm's cache, whose hits nobody pays, and its Router, whose tries are one request."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.litellm_calls import CLAUDE, GPT, MESSAGES, REPLY, at, the_bill
from tests.support.structure import (
    CANARY,
    bills,
    is_inside,
    one_bill_per_request,
    structure,
    told,
)

from spanledger import semconv

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import asks the network
litellm = pytest.importorskip("litellm")
from litellm import acompletion, completion  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "suppress_debug_info", True)


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
