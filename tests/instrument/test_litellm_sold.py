"""litellm: everything it sells is one bill, whoever sends it, and what the application thinks of it is told."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from tests.support.litellm_calls import BOTH, CLAUDE, MESSAGES, REPLY, assert_whole, at, the_bill
from tests.support.structure import (
    CANARY,
    bills,
    is_inside,
    one_bill_per_request,
    told,
)

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
    assert_whole(the_bill(spans, provider), model, __file__)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_anthropic_messages_are_one_bill(provider: Simulator, spans: Spans, *, stream: bool) -> None:
    async def ask() -> None:
        reply = await litellm.anthropic_messages(messages=MESSAGES, max_tokens=9, stream=stream, **at(provider, CLAUDE))
        if stream:
            assert b"message_stop" in b"".join([part async for part in reply])

    asyncio.run(ask())
    assert_whole(the_bill(spans, provider), CLAUDE, __file__)


SOUND = b"ID3" + bytes(4000)
MADE = {
    "embedding": ("openai/text-embedding-3-small", {"input": [CANARY]}, "embeddings"),
    "image_generation": ("openai/gpt-image-1", {"prompt": CANARY}, "image_generation"),
    "rerank": ("cohere/rerank-v3.5", {"query": CANARY, "documents": [CANARY, "b"]}, "rerank"),
    "speech": ("openai/tts-1", {"input": CANARY, "voice": "alloy"}, "speech"),
    "transcription": ("openai/gpt-4o-transcribe", {"file": ("canary.mp3", SOUND)}, "transcription"),
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
