"""Servers that speak OpenAI's chat API with habits of their own. Base URLs: ``{url}/compatible/{habit}/v1``.

Named ``compatible-{habit}`` among the base URLs. They want no key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanledger_collector.demo.exchange import Answer, Exchange, event
from spanledger_collector.demo.faults import openai_error, openai_stream_error
from spanledger_collector.demo.openai_chat import DONE, chat
from spanledger_collector.demo.prefix_cache import count
from spanledger_collector.demo.provider_api import Endpoint, Fault, ProviderApi
from spanledger_collector.demo.retelling import chat_with_usage, read_chunks, retold

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json


def without_usage(exchange: Exchange) -> Answer:
    """As small servers do: no word of usage, asked or not."""

    def change(told: Json) -> Json:
        return {name: value for name, value in told.items() if name != "usage"}

    answer = retold(chat(exchange), change)
    tail = [event(chunk) for chunk in read_chunks(answer.tail) if chunk["choices"]]
    return answer if answer.body is not None else replace(answer, tail=[*tail, DONE])


def null_usage(exchange: Exchange) -> Answer:
    """The field is there and empty."""
    return retold(chat(exchange), lambda told: {**told, "usage": None})


def running_usage(exchange: Exchange) -> Answer:
    """As vLLM's continuous usage statistics: every chunk tells the whole so far, the last one wins."""
    answer = chat_with_usage(exchange)
    if answer.body is not None:
        return answer
    last = read_chunks(answer.tail)[-1]["usage"]
    prompt, sent, most = int(last["prompt_tokens"]), 0, int(last["completion_tokens"])

    def change(chunk: Json) -> Json:
        nonlocal sent
        if chunk["choices"]:
            sent = min(most, sent + count(chunk["choices"][0]["delta"].get("content") or ""))
            told = {"prompt_tokens": prompt, "completion_tokens": sent, "total_tokens": prompt + sent}
            return {**chunk, "usage": told}
        return chunk

    return retold(answer, change)


def usage_with_choices(exchange: Exchange) -> Answer:
    """As DeepSeek, Together and others: usage unasked, on the chunk that says why it ended."""
    answer = chat_with_usage(exchange)
    if answer.body is not None:
        return answer

    def bare(chunk: Json) -> Json:
        return {name: value for name, value in chunk.items() if name != "usage" or value is not None}

    answer = retold(answer, bare)
    *ends, last = read_chunks(answer.tail)
    ends[-1]["usage"] = last["usage"]
    return replace(answer, tail=[*map(event, ends), DONE])


def without_id(exchange: Exchange) -> Answer:
    """Neither id nor fingerprint, and a creation time of zero."""

    def change(told: Json) -> Json:
        kept = {name: value for name, value in told.items() if name not in ("id", "system_fingerprint", "service_tier")}
        return {**kept, "created": 0}

    return retold(chat(exchange), change)


def without_done(exchange: Exchange) -> Answer:
    """The stream just ends."""
    return retold(chat(exchange), lambda told: told, done=False)


def _fault(fault: Fault) -> Json:
    return openai_error(fault.status, fault.message, fault.param)


def _server(habit: str, answer: Endpoint) -> ProviderApi:
    return ProviderApi(
        name=f"compatible-{habit}",
        mount=f"/compatible/{habit}",
        version="/v1",
        endpoints={"/v1/chat/completions": answer},
        fault=_fault,
        broken_stream=openai_stream_error,
        keyless=True,
    )


APIS = (
    _server("without-usage", without_usage),
    _server("null-usage", null_usage),
    _server("running-usage", running_usage),
    _server("usage-with-choices", usage_with_choices),
    _server("without-id", without_id),
    _server("without-done", without_done),
)
