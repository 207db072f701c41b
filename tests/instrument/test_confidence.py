"""How sure a model was: the mean log-probability of what it wrote, where the application asked for them."""

from __future__ import annotations

import asyncio
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from spanledger import semconv

if TYPE_CHECKING:
    from tests.support.provider import Clients
    from tests.support.spans import Spans

    from spanledger_collector.demo.simulator import Simulator

CHAT: Any = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "What is the canary's favourite colour?"}]}
LIKELY = [-0.5, -1.25, -2.0]


def scripted(object_: str, choice: Any) -> list[Any]:
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    frame = {"id": "cmpl-1", "object": object_, "created": 1, "model": "gpt", "usage": usage}
    return [{"body": {**frame, "choices": [{"index": 0, "finish_reason": "stop", **choice}]}}]


def test_a_chats_mean_is_over_all_its_tokens(provider: Simulator, clients: Clients, spans: Spans) -> None:
    tokens = [{"token": "a", "logprob": value, "top_logprobs": []} for value in LIKELY]
    told = {"message": {"role": "assistant", "content": "aaa"}, "logprobs": {"content": tokens}}
    provider.script(scripted("chat.completion", told))
    clients.openai.chat.completions.create(**CHAT, logprobs=True)
    assert spans.one[semconv.OUTPUT_LOGPROB_MEAN] == -1.25


def test_a_streamed_chats_mean_too(clients: Clients, spans: Spans) -> None:
    async def go() -> list[float]:
        stream = await clients.openai_async.chat.completions.create(**CHAT, logprobs=True, stream=True)
        choices = [choice async for chunk in stream for choice in chunk.choices]
        return [token.logprob for each in choices if each.logprobs for token in each.logprobs.content or ()]

    likely = asyncio.run(go())
    assert len(likely) > 3
    assert spans.one[semconv.OUTPUT_LOGPROB_MEAN] == pytest.approx(fmean(likely))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_responses_mean_is_of_its_texts(clients: Clients, spans: Spans, *, stream: bool) -> None:
    asked: Any = {"model": "gpt-4.1", "input": "Colour?", "include": ["message.output_text.logprobs"], "stream": stream}
    reply: Any = clients.openai.responses.create(**asked)
    final = list(reply)[-1].response if stream else reply
    likely = [token.logprob for token in final.output[0].content[0].logprobs]
    assert spans.one[semconv.OUTPUT_LOGPROB_MEAN] == pytest.approx(fmean(likely))


def test_an_older_completions_mean_leaves_out_what_has_none(
    provider: Simulator, clients: Clients, spans: Spans
) -> None:
    told = {"text": "aaaa", "logprobs": {"token_logprobs": [None, *LIKELY], "tokens": list("aaaa")}}
    provider.script(scripted("text_completion", told))
    clients.openai.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", logprobs=1)
    assert spans.one[semconv.OUTPUT_LOGPROB_MEAN] == -1.25


def test_who_did_not_ask_is_told_none(clients: Clients, spans: Spans) -> None:
    clients.openai.chat.completions.create(**CHAT)
    clients.openai.responses.create(model="gpt-4.1", input="Colour?")
    assert not [span for span in spans.all if semconv.OUTPUT_LOGPROB_MEAN in (span.attributes or {})]
